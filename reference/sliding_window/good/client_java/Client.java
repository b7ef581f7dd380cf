import java.io.IOException;
import java.io.InputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;

public class Client {
    private static final int START = 1, DATA = 2, END = 3, ACK = 4;
    private static final int HEADER = 12, PAYLOAD = 1024, TRIES = 5;
    private static final long TIMEOUT_NS = 500_000_000L;

    private final DatagramSocket socket;
    private final int transfer = new SecureRandom().nextInt();
    private final Queue<byte[]> flying = new ArrayDeque<>();
    private int first = 0, next = 0;

    private Client(DatagramSocket socket) {
        this.socket = socket;
    }

    private static int checksum(byte[] frame) {
        int sum = 0;
        for (int at = 0; at < frame.length; at++) {
            sum += at % 2 == 0 ? (frame[at] & 0xff) << 8 : frame[at] & 0xff;
        }
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return ~sum & 0xffff;
    }

    private byte[] frame(int number, int kind, byte[] payload) {
        byte[] bytes = ByteBuffer.allocate(HEADER + payload.length)
                .putInt(transfer).putInt(number).putShort((short) kind).putShort((short) 0).put(payload).array();
        ByteBuffer.wrap(bytes).putShort(10, (short) checksum(bytes));
        return bytes;
    }

    /** Whether an ACK comes in time that acknowledges anything new. */
    private boolean somethingNew() throws IOException {
        long end = System.nanoTime() + TIMEOUT_NS;
        for (long left = TIMEOUT_NS; left > 0; left = end - System.nanoTime()) {
            socket.setSoTimeout((int) (left / 1_000_000) + 1);
            DatagramPacket came = new DatagramPacket(new byte[2048], 2048);
            try {
                socket.receive(came);
            } catch (SocketTimeoutException | PortUnreachableException nothing) {
                continue;
            }
            int number = ByteBuffer.wrap(came.getData()).getInt(4);
            byte[] ack = frame(number, ACK, new byte[0]);
            if (number >= first && number < next && Arrays.equals(Arrays.copyOf(came.getData(), came.getLength()), ack)) {
                for (; first <= number; first++) {
                    flying.remove();
                }
                return true;
            }
        }
        return false;
    }

    private void put(byte[] frame) throws IOException {
        try {
            socket.send(new DatagramPacket(frame, frame.length));
        } catch (PortUnreachableException nobody) {
            // Somebody may be there the next time.
        }
    }

    private void deliver(int kind, byte[] payload) throws IOException {
        byte[] frame = frame(next++, kind, payload);
        flying.add(frame);
        put(frame);
    }

    /** Until at most so many frames are not acknowledged. */
    private void await(int most) throws IOException {
        for (int tries = 1; flying.size() > most; ) {
            if (somethingNew()) {
                tries = 1;
            } else if (tries++ < TRIES) {
                put(flying.peek());
            } else {
                throw new IOException("nobody acknowledges frame " + first);
            }
        }
    }

    private long send(Path path, int window) throws IOException {
        long size = 0;
        try (InputStream file = Files.newInputStream(path)) {
            deliver(START, path.getFileName().toString().getBytes(StandardCharsets.US_ASCII));
            await(0);
            for (byte[] piece; (piece = file.readNBytes(PAYLOAD)).length > 0; size += piece.length) {
                deliver(DATA, piece);
                await(window - 1);
            }
            deliver(END, new byte[0]);
            await(0);
        }
        return size;
    }

    public static void main(String[] args) {
        if (args.length != 4) {
            System.err.println("usage: client HOST PORT FILE WINDOW");
            System.exit(1);
        }
        Path path = Path.of(args[2]);
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(InetAddress.getByName(args[0]), Integer.parseInt(args[1])));
            System.out.printf("sent %s, %d bytes%n", path.getFileName(),
                    new Client(socket).send(path, Integer.parseInt(args[3])));
        } catch (IOException | NumberFormatException error) {
            System.err.println("client: " + error);
            System.exit(1);
        }
    }
}
