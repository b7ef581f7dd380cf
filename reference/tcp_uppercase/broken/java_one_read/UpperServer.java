import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A thread for each client. */
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
        try (ServerSocket listener = new ServerSocket(port)) {
            System.out.println("Listening on port " + port);
            while (true) {
                Socket client = listener.accept();
                new Thread(() -> serve(client)).start();
            }
        } catch (IOException e) {
            System.err.println("can't serve port " + port + ": " + e.getMessage());
            System.exit(1);
        }
    }

    private static void serve(Socket socket) {
        try (Socket client = socket) {
            InputStream in = new BufferedInputStream(client.getInputStream());
            OutputStream out = new BufferedOutputStream(client.getOutputStream());
            byte[] buffer = new byte[4096];
            int n;
            while ((n = in.read(buffer)) != -1) {
                String message = new String(buffer, 0, n, StandardCharsets.ISO_8859_1).split("\n")[0];
                StringBuilder reply = new StringBuilder();
                for (char c : message.toCharArray()) {
                    reply.append(c >= 'a' && c <= 'z' ? (char) (c - 32) : c);
                }
                out.write((reply + "\n").getBytes(StandardCharsets.ISO_8859_1));
                out.flush();
            }
        } catch (IOException e) {
            System.out.println("lost a client: " + e.getMessage());
        }
    }
}
