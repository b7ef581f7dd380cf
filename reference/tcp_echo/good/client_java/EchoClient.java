import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

public class EchoClient {
    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("usage: java EchoClient HOST PORT");
            System.exit(2);
        }
        try (Socket socket = new Socket(args[0], Integer.parseInt(args[1]))) {
            talk(socket);
        } catch (IOException | NumberFormatException e) {
            System.err.println("client: " + e);
            System.exit(1);
        }
    }

    private static void talk(Socket socket) throws IOException {
        BufferedReader keyboard = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream screen = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        InputStream in = new BufferedInputStream(socket.getInputStream());
        OutputStream out = socket.getOutputStream();
        String line;
        while ((line = keyboard.readLine()) != null) {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            ByteArrayOutputStream reply = new ByteArrayOutputStream();
            int b;
            while ((b = in.read()) != '\n') {
                if (b == -1) {
                    throw new IOException("the server has closed the connection");
                }
                reply.write(b);
            }
            screen.println(reply.toString(StandardCharsets.UTF_8));
            if (line.equals("close")) {
                break;
            }
        }
    }
}
