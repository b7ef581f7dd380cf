// A right server in Java.  Arguments: threads, virtual (JDK 21 or newer) or nio; the port.  See bench/stillness.py.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class Server {
    static ExecutorService workers;

    static void compute(long milliseconds) {
        long end = System.nanoTime() + milliseconds * 1_000_000;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    static String answer(String line) throws Exception {
        String[] words = line.split(" ");
        long amount = Long.parseLong(words[1]);
        switch (words[0]) {
            case "compute": compute(amount); break;
            case "hand": workers.submit(() -> compute(amount)).get(); break;
            case "sleep": Thread.sleep(amount); break;
            case "file": Files.readAllBytes(Path.of("/proc/self/maps")); break;
            case "collect": System.gc(); break;
            case "ignore": return "";
            case "stuck": new CountDownLatch(1).await(); break;
            default: break;
        }
        return words[2].toUpperCase() + "\n";
    }

    static void serve(Socket socket) {
        try (socket; var reader = new BufferedReader(new InputStreamReader(socket.getInputStream()))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                socket.getOutputStream().write(answer(line).getBytes());
            }
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    static void byThreads(int port, ExecutorService servers) throws IOException {
        try (var listener = new ServerSocket(port, 64, InetAddress.getByName("127.0.0.1"))) {
            while (true) {
                Socket socket = listener.accept();
                if (servers == null) {
                    new Thread(() -> serve(socket)).start();
                } else {
                    servers.submit(() -> serve(socket));
                }
            }
        }
    }

    static void bySelector(int port) throws Exception {
        Selector selector = Selector.open();
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress("127.0.0.1", port), 64);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        while (true) {
            selector.select();
            var ready = selector.selectedKeys().iterator();
            while (ready.hasNext()) {
                SelectionKey key = ready.next();
                ready.remove();
                if (key.isAcceptable()) {
                    SocketChannel client = listener.accept();
                    client.configureBlocking(false);
                    client.register(selector, SelectionKey.OP_READ, new StringBuilder());
                } else {
                    read((SocketChannel) key.channel(), (StringBuilder) key.attachment());
                }
            }
        }
    }

    static void read(SocketChannel client, StringBuilder buffer) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        if (client.read(bytes) < 0) {
            client.close();
            return;
        }
        buffer.append(new String(bytes.array(), 0, bytes.position()));
        for (int end = buffer.indexOf("\n"); end >= 0; end = buffer.indexOf("\n")) {
            String reply = answer(buffer.substring(0, end));
            buffer.delete(0, end + 1);
            client.write(ByteBuffer.wrap(reply.getBytes()));
        }
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[1]);
        workers = Executors.newSingleThreadExecutor();
        switch (arguments[0]) {
            case "threads": byThreads(port, null); break;
            case "nio": bySelector(port); break;
            default:
                // By name, so that an older compiler takes the rest.
                workers = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
                byThreads(port, workers);
        }
    }
}
