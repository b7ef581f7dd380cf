import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;

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
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int b;
            while ((b = in.read()) != -1) {
                line.write(b >= 'a' && b <= 'z' ? b - 'a' + 'A' : b);
                if (b == '\n') {
                    line.writeTo(out);
                    out.flush();
                    line.reset();
                }
            }
        } catch (IOException e) {
            System.out.println("lost a client: " + e.getMessage());
        }
    }
}
