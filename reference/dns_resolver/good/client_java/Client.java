import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Asks a name server for the records of a name. */
public class Client {
    private static final Map<String, Integer> TYPES = Map.of("A", 1, "CNAME", 5, "MX", 15, "AAAA", 28);
    private static final String[] CODES = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    private static final long SECOND_NS = 1_000_000_000L;

    /** There is no answer to print. */
    private static class Failure extends Exception {
        Failure(String why) {
            super(why);
        }
    }

    /** What came can't be read, or is not the answer. */
    private static class Improper extends Exception {}

    private record Found(String name, int type, String data) {}

    private record Answer(boolean truncated, int code, List<Found> records) {}

    private static byte[] query(String name, int type) throws Failure {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int id = new SecureRandom().nextInt(65536);
        bytes.writeBytes(new byte[] {(byte) (id >> 8), (byte) id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0});
        for (String label : name.split("\\.", -1)) {
            byte[] letters = label.getBytes(StandardCharsets.UTF_8);
            if (letters.length < 1 || letters.length > 63) {
                throw new Failure("this is no name: " + name);
            }
            bytes.write(letters.length);
            bytes.writeBytes(letters);
        }
        bytes.writeBytes(new byte[] {0, 0, (byte) type, 0, 1});
        if (bytes.size() > 12 + 255 + 4) {
            throw new Failure("this is too long for a name: " + name);
        }
        return bytes.toByteArray();
    }

    /** Reads a name where the buffer stands, and leaves it behind that. */
    private static String name(ByteBuffer message) throws Improper {
        StringBuilder name = new StringBuilder();
        int behind = -1;
        for (int pointers = 0; pointers < 128; ) {
            int size = message.get() & 0xff;
            if (size == 0) {
                if (behind >= 0) {
                    message.position(behind);
                }
                return name.toString();
            } else if (size >= 0xc0) {
                int place = (size & 0x3f) << 8 | message.get() & 0xff;
                behind = behind < 0 ? message.position() : behind;
                if (place >= message.limit()) {
                    throw new Improper();
                }
                message.position(place);
                pointers++;
            } else if (size > 63) {
                throw new Improper();
            } else {
                byte[] label = new byte[size];
                message.get(label);
                name.append(name.length() == 0 ? "" : ".");
                name.append(new String(label, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT));
            }
        }
        throw new Improper();
    }

    private static Found found(ByteBuffer message) throws Improper, IOException {
        String name = name(message);
        int type = message.getShort();
        message.getShort();
        message.getInt();
        int size = message.getShort() & 0xffff;
        int end = message.position() + size;
        if (end > message.limit() || type == 1 && size != 4 || type == 28 && size != 16) {
            throw new Improper();
        }
        String data = null;
        if (type == 1 || type == 28) {
            byte[] address = new byte[size];
            message.get(address);
            data = InetAddress.getByAddress(address).getHostAddress();
        } else if (type == 15) {
            data = (message.getShort() & 0xffff) + " " + name(message);
        } else if (type == 5) {
            data = name(message);
        }
        if (data != null && message.position() != end) {
            throw new Improper();
        }
        message.position(end);
        return new Found(name, type, data);
    }

    /** Takes the answer to a query apart. */
    private static Answer answer(byte[] came, byte[] query) throws Improper, IOException {
        ByteBuffer message = ByteBuffer.wrap(came);
        ByteBuffer asked = ByteBuffer.wrap(query);
        try {
            boolean mine = message.getShort() == asked.getShort();
            int flags = message.getShort();
            int questions = message.getShort();
            int count = message.getShort() & 0xffff;
            message.position(12);
            asked.position(12);
            if (!mine || (flags & 0x8000) == 0 || questions != 1 || !name(message).equals(name(asked))) {
                throw new Improper();
            }
            if (message.getInt() != asked.getInt()) {
                throw new Improper();
            }
            List<Found> records = new ArrayList<>();
            for (int number = 0; number < count; number++) {
                records.add(found(message));
            }
            return new Answer((flags & 0x0200) != 0, flags & 0xf, records);
        } catch (BufferUnderflowException | IllegalArgumentException error) {
            throw new Improper();
        }
    }

    private static Answer overUdp(InetSocketAddress server, byte[] query) throws IOException, Failure {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(server);
            for (int attempt = 0; attempt < 3; attempt++) {
                socket.send(new DatagramPacket(query, query.length));
                long until = System.nanoTime() + SECOND_NS;
                for (long left = SECOND_NS; left > 0; left = until - System.nanoTime()) {
                    socket.setSoTimeout((int) (left / 1_000_000) + 1);
                    DatagramPacket packet = new DatagramPacket(new byte[65536], 65536);
                    try {
                        socket.receive(packet);
                        return answer(Arrays.copyOf(packet.getData(), packet.getLength()), query);
                    } catch (SocketTimeoutException | Improper none) {
                        continue;
                    }
                }
            }
        }
        throw new Failure("no answer came");
    }

    private static Answer overTcp(InetSocketAddress server, byte[] query) throws IOException, Failure {
        try (Socket socket = new Socket(server.getAddress(), server.getPort())) {
            socket.setSoTimeout(10_000);
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            ByteBuffer framed = ByteBuffer.allocate(2 + query.length).putShort((short) query.length).put(query);
            out.write(framed.array());
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] came = new byte[in.readUnsignedShort()];
            in.readFully(came);
            return answer(came, query);
        } catch (EOFException error) {
            throw new Failure("the connection ended before the answer");
        } catch (Improper error) {
            throw new Failure("over TCP came no answer");
        }
    }

    private static void run(String host, int port, String name, String type) throws IOException, Failure {
        int number = TYPES.get(type);
        byte[] query = query(name, number);
        InetSocketAddress server = new InetSocketAddress(InetAddress.getByName(host), port);
        Answer answer = overUdp(server, query);
        if (answer.truncated()) {
            answer = overTcp(server, query);
        }
        if (answer.code() != 0) {
            throw new Failure(answer.code() < CODES.length ? CODES[answer.code()] : "RCODE " + answer.code());
        }
        String owner = name.toLowerCase(Locale.ROOT);
        StringBuilder lines = new StringBuilder();
        boolean any = false;
        for (Found record : answer.records()) {
            if (record.name().equals(owner) && record.type() == number) {
                lines.append(owner + " " + type + " " + record.data() + "\n");
                any = true;
            } else if (record.name().equals(owner) && record.type() == 5) {
                lines.append(owner + " CNAME " + record.data() + "\n");
                owner = record.data();
            }
        }
        if (!any) {
            throw new Failure("NODATA");
        }
        System.out.print(lines);
    }

    public static void main(String[] args) {
        if (args.length != 4 || !TYPES.containsKey(args[3])) {
            System.err.println("usage: client HOST PORT NAME TYPE");
            System.exit(2);
        }
        try {
            run(args[0], Integer.parseInt(args[1]), args[2], args[3]);
        } catch (IOException | Failure problem) {
            System.err.println("client: " + problem.getMessage());
            System.exit(1);
        }
    }
}
