import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class HttpClient {
    private static final Pattern URL = Pattern.compile("http://([^:/]+):(\\d+)(/[^#]*)?(#.*)?");

    private final InputStream in;

    private HttpClient(InputStream in) {
        this.in = in;
    }

    private String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new IOException("the connection ended in the middle of the reply");
            }
            line.write(next);
        }
        return line.toString(StandardCharsets.ISO_8859_1).replaceAll("\r$", "");
    }

    private byte[] exactly(int length) throws IOException {
        byte[] data = in.readNBytes(length);
        if (data.length < length) {
            throw new IOException("the connection ended in the middle of the body");
        }
        return data;
    }

    private byte[] chunks() throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        int length;
        do {
            length = Integer.parseInt(readLine().split(";")[0].trim(), 16);
            body.write(exactly(length));
            readLine();
        } while (length > 0);
        return body.toByteArray();
    }

    private byte[] body() throws IOException {
        String start = readLine();
        if (!start.startsWith("HTTP/1.")) {
            throw new IOException("this is not HTTP");
        }
        Map<String, String> headers = new HashMap<>();
        for (String line = readLine(); !line.isEmpty(); line = readLine()) {
            String[] parts = line.split(":", 2);
            headers.put(parts[0].toLowerCase(), parts[1].trim());
        }
        String status = start.split(" ")[1];
        if (!status.equals("200")) {
            throw new IOException("status " + status);
        }
        if ("chunked".equals(headers.get("transfer-encoding"))) {
            return chunks();
        }
        String length = headers.get("content-length");
        return length == null ? in.readAllBytes() : exactly(Integer.parseInt(length));
    }

    public static void main(String[] args) {
        Matcher url = URL.matcher(args.length == 1 ? args[0] : "");
        if (!url.matches()) {
            System.err.println("usage: HttpClient http://HOST:PORT/PATH");
            System.exit(1);
        }
        String host = url.group(1);
        String port = url.group(2);
        String target = url.group(3) == null ? "/" : url.group(3);
        String request = "GET " + target + " HTTP/1.1\r\nHost: " + host + ":" + port + "\r\nConnection: close\r\n\r\n";
        try (Socket server = new Socket(host, Integer.parseInt(port))) {
            server.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            byte[] body = new HttpClient(new BufferedInputStream(server.getInputStream())).body();
            Files.write(Path.of("output"), body);
        } catch (UnknownHostException error) {
            System.err.println("there is no host " + host);
            System.exit(1);
        } catch (IOException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }
}
