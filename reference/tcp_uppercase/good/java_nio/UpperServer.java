import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Iterator;

/** One selector for all clients. */
public class UpperServer {
    /** What one client has sent, up to the first line that is not complete, and what it must still get. */
    private static class Client {
        private byte[] line = new byte[1024];
        private int length = 0;
        private ByteBuffer out = ByteBuffer.allocate(0);
        private boolean ended = false;

        void add(byte b) {
            if (length == line.length) {
                line = Arrays.copyOf(line, 2 * length);
            }
            line[length++] = b >= 'a' && b <= 'z' ? (byte) (b - 'a' + 'A') : b;
            if (b == '\n') {
                ByteBuffer more = ByteBuffer.allocate(out.remaining() + length);
                more.put(out).put(line, 0, length).flip();
                out = more;
                length = 0;
            }
        }
    }

    private static final ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);

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
        try {
            serve(port);
        } catch (IOException e) {
            System.err.println("can't serve port " + port + ": " + e.getMessage());
            System.exit(1);
        }
    }

    private static void serve(int port) throws IOException {
        Selector selector = Selector.open();
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(port), 128);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        while (true) {
            selector.select();
            Iterator<SelectionKey> ready = selector.selectedKeys().iterator();
            while (ready.hasNext()) {
                SelectionKey key = ready.next();
                ready.remove();
                if (key.isAcceptable()) {
                    SocketChannel channel = listener.accept();
                    if (channel != null) {
                        channel.configureBlocking(false);
                        channel.register(selector, SelectionKey.OP_READ, new Client());
                    }
                } else {
                    try {
                        go(key);
                    } catch (IOException e) {
                        key.cancel();
                        key.channel().close();
                    }
                }
            }
        }
    }

    private static void go(SelectionKey key) throws IOException {
        SocketChannel channel = (SocketChannel) key.channel();
        Client client = (Client) key.attachment();
        if (key.isReadable()) {
            buffer.clear();
            client.ended = channel.read(buffer) < 0;
            buffer.flip();
            while (buffer.hasRemaining()) {
                client.add(buffer.get());
            }
        }
        channel.write(client.out);
        if (client.out.hasRemaining()) {
            key.interestOps(SelectionKey.OP_WRITE); // and read on only when it has taken that
        } else if (client.ended) {
            key.cancel();
            channel.close();
        } else {
            key.interestOps(SelectionKey.OP_READ);
        }
    }
}
