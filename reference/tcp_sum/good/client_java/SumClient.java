import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.util.StringTokenizer;

/** TCP sum client: DataOutputStream and DataInputStream write and read in network byte order. */
public class SumClient {
    private static final int SUM_BYTES = 8;

    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("usage: java SumClient HOST PORT");
            System.exit(2);
        }
        try (Socket socket = new Socket(args[0], Integer.parseInt(args[1]))) {
            converse(socket);
        } catch (EOFException e) {
            System.err.println("client: the server has closed the connection");
            System.exit(1);
        } catch (IOException | NumberFormatException e) {
            System.err.println("client: " + e);
            System.exit(1);
        }
    }

    private static void converse(Socket socket) throws IOException {
        BufferedReader keyboard = new BufferedReader(new InputStreamReader(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
        DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        String line;
        while ((line = keyboard.readLine()) != null) {
            int[] numbers;
            try {
                numbers = parse(line);
            } catch (NumberFormatException e) {
                System.err.println("not sent: " + e.getMessage());
                continue;
            }
            out.writeInt(Integer.BYTES * numbers.length);
            for (int number : numbers) {
                out.writeInt(number);
            }
            out.flush();
            int length = in.readInt();
            if (length != SUM_BYTES) {
                throw new IOException("a reply's length is " + Integer.toUnsignedString(length) + " and not 8");
            }
            System.out.println(in.readLong());
        }
    }

    private static int[] parse(String line) {
        StringTokenizer words = new StringTokenizer(line);
        int[] numbers = new int[words.countTokens()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Integer.parseInt(words.nextToken());
        }
        return numbers;
    }
}
