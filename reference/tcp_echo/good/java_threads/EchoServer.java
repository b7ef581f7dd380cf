import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;

/** A thread for each client. */
public class EchoServer {
    private static final int DRAINED = 256 * 1024;

    public static void main(String[] args) {
        int port = 0;
        try {
            port = Integer.parseInt(args[0]);
        } catch (RuntimeException e) {
            // told below
        }
        if (port < 1 || port > 65535) {
            System.err.println("usage: java EchoServer PORT");
            System.exit(2);
        }
        try (ServerSocket listener = new ServerSocket(port, 128)) {
            while (true) {
                Socket client = listener.accept();
                Thread thread = new Thread(() -> serve(client));
                thread.setDaemon(true);
                thread.start();
            }
        } catch (IOException e) {
            System.err.println("can't serve port " + port + ": " + e.getMessage());
            System.exit(1);
        }
    }

    private static void serve(Socket socket) {
        try (Socket client = socket) {
            InputStream in = client.getInputStream();
            OutputStream out = client.getOutputStream();
            byte[] buffer = new byte[8192];
            StringBuilder line = new StringBuilder();
            int n;
            while ((n = in.read(buffer)) > 0) {
                int end = endOfClose(buffer, n, line);
                out.write(buffer, 0, end < 0 ? n : end);
                if (end >= 0) {
                    client.shutdownOutput();
                    int dropped = n - end;
                    while (dropped < DRAINED && (n = in.read(buffer)) > 0) {
                        dropped += n;
                    }
                    return;
                }
            }
        } catch (IOException e) {
            System.out.println("lost a client: " + e.getMessage());
        }
    }

    /** Where the line "close" ends in what has come, or -1. */
    private static int endOfClose(byte[] buffer, int n, StringBuilder line) {
        for (int i = 0; i < n; i++) {
            if (buffer[i] != '\n') {
                if (line.length() < 8) {
                    line.append((char) (buffer[i] & 0xff));
                }
                continue;
            }
            String said = line.toString();
            line.setLength(0);
            if (said.equals("close") || said.equals("close\r")) {
                return i + 1;
            }
        }
        return -1;
    }
}
