import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

public class UpperClient {
    private static final PrintStream screen = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("usage: java UpperClient HOST PORT");
            System.exit(2);
        }
        try (DatagramSocket socket = new DatagramSocket()) {
            // Not connected: JDK 17 sends no empty datagram on a connected socket.
            InetSocketAddress server = new InetSocketAddress(InetAddress.getByName(args[0]), Integer.parseInt(args[1]));
            BufferedReader keyboard = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            String line;
            while ((line = keyboard.readLine()) != null && !line.equals("quit")) {
                if (!ask(socket, server, line.getBytes(StandardCharsets.UTF_8))) {
                    System.err.println("no answer");
                }
            }
        } catch (IOException | RuntimeException e) {
            System.err.println("client: " + e);
            System.exit(1);
        }
    }

    private static boolean ask(DatagramSocket socket, InetSocketAddress server, byte[] line) throws IOException {
        byte[] wanted = line.clone();
        for (int i = 0; i < wanted.length; i++) {
            if (wanted[i] >= 'a' && wanted[i] <= 'z') {
                wanted[i] -= 32;
            }
        }
        for (int tries = 0; tries < 3; tries++) {
            long until = System.nanoTime() + 1_000_000_000L;
            socket.send(new DatagramPacket(line, line.length, server));
            if (comes(socket, server, wanted, until)) {
                screen.println(new String(wanted, StandardCharsets.UTF_8));
                return true;
            }
        }
        return false;
    }

    private static boolean comes(DatagramSocket socket, InetSocketAddress server, byte[] wanted, long until)
            throws IOException {
        byte[] buffer = new byte[65536];
        while (true) {
            long left = (until - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return false;
            }
            DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
            try {
                socket.setSoTimeout((int) left);
                socket.receive(packet);
                if (packet.getSocketAddress().equals(server)
                        && Arrays.equals(Arrays.copyOf(buffer, packet.getLength()), wanted)) {
                    return true;
                }
            } catch (SocketTimeoutException e) {
                return false;
            }
        }
    }
}
