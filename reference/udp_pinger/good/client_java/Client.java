import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

public class Client {
    private static final long SECOND_NS = 1_000_000_000L;

    /** Returns the milliseconds, or -1 if the ping was lost. */
    private static double ping(DatagramSocket socket, InetSocketAddress server, int number) throws IOException {
        String time = String.format(Locale.ROOT, "%.3f", System.currentTimeMillis() / 1000.0);
        byte[] sent = ("PING " + number + " " + time).getBytes(StandardCharsets.US_ASCII);
        long started = System.nanoTime();
        socket.send(new DatagramPacket(sent, sent.length, server));
        for (long left = SECOND_NS; left > 0; left = started + SECOND_NS - System.nanoTime()) {
            socket.setSoTimeout((int) (left / 1_000_000) + 1);
            DatagramPacket came = new DatagramPacket(new byte[2048], 2048);
            try {
                socket.receive(came);
            } catch (SocketTimeoutException late) {
                continue;
            }
            String text = new String(came.getData(), 0, came.getLength(), StandardCharsets.ISO_8859_1);
            if (server.equals(came.getSocketAddress()) && text.startsWith("PING " + number + " ")) {
                return (System.nanoTime() - started) / 1e6;
            }
        }
        return -1;
    }

    public static void main(String[] args) {
        int count = Integer.parseInt(args[2]);
        List<Double> times = new ArrayList<>();
        try (DatagramSocket socket = new DatagramSocket()) {
            InetSocketAddress server =
                    new InetSocketAddress(InetAddress.getByName(args[0]), Integer.parseInt(args[1]));
            for (int number = 1; number <= count; number++) {
                double took = ping(socket, server, number);
                if (took < 0) {
                    System.out.println(number + ": lost");
                } else {
                    times.add(took);
                    System.out.printf(Locale.ROOT, "%d: %.3f ms%n", number, took);
                }
            }
        } catch (IOException error) {
            System.err.println("client: " + error.getMessage());
            System.exit(1);
        }
        double loss = 100.0 * (count - times.size()) / count;
        System.out.printf(Locale.ROOT, "%d sent, %d received, %.0f%% lost%n", count, times.size(), loss);
        if (times.isEmpty()) {
            System.err.println("client: no answer came");
            System.exit(1);
        }
        double least = times.stream().min(Double::compare).get();
        double most = times.stream().max(Double::compare).get();
        double average = times.stream().mapToDouble(Double::doubleValue).average().getAsDouble();
        System.out.printf(Locale.ROOT, "minimum %.3f ms, average %.3f ms, maximum %.3f ms%n", least, average, most);
    }
}
