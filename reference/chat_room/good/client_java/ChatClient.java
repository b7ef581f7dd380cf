import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Chat room client of two threads: one reads the keyboard and sends, the other receives and shows. */
public class ChatClient {
    private static volatile boolean leaving = false;

    public static void main(String[] args) throws InterruptedException {
        if (args.length != 2) {
            System.err.println("usage: java ChatClient HOST PORT");
            System.exit(2);
        }
        try (Socket socket = new Socket(args[0], Integer.parseInt(args[1]))) {
            Thread listener = new Thread(() -> listen(socket));
            listener.start();
            talk(socket);
            listener.join();
        } catch (IOException | NumberFormatException e) {
            giveUp(e.toString());
        }
    }

    /** Send each line that is typed; when there are no more, end our side of the connection. */
    private static void talk(Socket socket) throws IOException {
        BufferedReader keyboard = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        OutputStream out = socket.getOutputStream();
        String line;
        while ((line = keyboard.readLine()) != null) {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        }
        leaving = true;
        socket.shutdownOutput();
    }

    /** Show each line that comes, until the server ends the connection; end the program if we are not leaving. */
    private static void listen(Socket socket) {
        PrintStream screen = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try {
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String line;
            while ((line = lines.readLine()) != null) {
                screen.println(harmless(line));
            }
        } catch (IOException e) {
            giveUp(e.toString());
        }
        if (!leaving) {
            giveUp("the server has closed the connection");
        }
    }

    /** What a stranger has written, with something else for what would control the terminal. */
    private static String harmless(String line) {
        StringBuilder shown = new StringBuilder();
        line.codePoints()
                .map(c -> Character.isISOControl(c) && c != '\t' ? '?' : c)
                .forEach(shown::appendCodePoint);
        return shown.toString();
    }

    /** Ends the program, though the other thread may wait for the keyboard. */
    private static void giveUp(String why) {
        System.err.println("client: " + why);
        Runtime.getRuntime().halt(1);
    }
}
