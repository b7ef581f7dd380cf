import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;

public class UpperServer {
    public static void main(String[] args) {
        int port = 0;
        try {
            port = Integer.parseInt(args[0]);
        } catch (RuntimeException e) {
            // told below
        }
        if (port < 1 || port > 65535) {
            System.err.println("usage: java UpperServer PORT");
            System.exit(2);
        }
        try (DatagramSocket socket = new DatagramSocket(port)) {
            byte[] buffer = new byte[65536];
            while (true) {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                socket.receive(packet);
                for (int i = 0; i < packet.getLength(); i++) {
                    if (buffer[i] >= 'a' && buffer[i] <= 'z') {
                        buffer[i] -= 32;
                    }
                }
                try {
                    socket.send(packet);
                } catch (IOException e) {
                    System.out.println("not sent: " + e.getMessage());
                }
            }
        } catch (IOException e) {
            System.err.println("can't serve port " + port + ": " + e.getMessage());
            System.exit(1);
        }
    }
}
