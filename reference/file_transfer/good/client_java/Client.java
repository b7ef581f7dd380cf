import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** FTP client for one command: java Client HOST PORT USER PASSWORD get|put|list|delete NAME. */
public class Client {
    private static final Pattern PLACE = Pattern.compile("(?:\\d{1,3},){4}(\\d{1,3}),(\\d{1,3})");
    private static final int MAX_LINE = 4096;

    /** The server refuses something, or a transfer has failed. */
    private static class FtpException extends Exception {
        FtpException(String message) {
            super(message);
        }
    }

    private interface Transfer {
        void play(Socket data) throws IOException;
    }

    private final Socket control;
    private final InputStream input;

    Client(Socket control) throws IOException {
        this.control = control;
        this.input = new BufferedInputStream(control.getInputStream());
    }

    private String line() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int next; (next = input.read()) != '\n'; bytes.write(next)) {
            if (next < 0 || bytes.size() == MAX_LINE) {
                throw new EOFException("the server has closed the connection");
            }
        }
        return bytes.toString(StandardCharsets.UTF_8).stripTrailing();
    }

    /** The last line of the next reply. */
    private String reply() throws IOException, FtpException {
        String first = line();
        String end = first.substring(0, Math.min(3, first.length())) + " ";
        String last = first;
        while (!(last + " ").startsWith(end)) {
            last = line();
        }
        if (first.isEmpty() || first.charAt(0) < '1' || first.charAt(0) > '3') {
            throw new FtpException(last);
        }
        return last;
    }

    private String ask(String command) throws IOException, FtpException {
        control.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.UTF_8));
        return reply();
    }

    private void logIn(String user, String password) throws IOException, FtpException {
        reply();
        if (ask("USER " + user).startsWith("331")) {
            ask("PASS " + password);
        }
    }

    private void transfer(String command, Transfer transfer) throws IOException, FtpException {
        ask("TYPE I");
        Matcher place = PLACE.matcher(ask("PASV"));
        if (!place.find()) {
            throw new FtpException("the server does not say where it waits");
        }
        int port = Integer.parseInt(place.group(1)) * 256 + Integer.parseInt(place.group(2));
        String broken = null;
        try (Socket data = new Socket(control.getInetAddress(), port)) {
            ask(command);
            try {
                transfer.play(data);
            } catch (IOException error) {
                broken = error.getMessage();
            }
        }
        reply();
        if (broken != null) {
            throw new FtpException("the transfer broke off: " + broken);
        }
    }

    private void fetch(String command, Path file) throws IOException, FtpException {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        transfer(command, data -> data.getInputStream().transferTo(content));
        Files.write(file, content.toByteArray());
    }

    private void obey(String command, String name, byte[] content) throws IOException, FtpException {
        switch (command) {
            case "get" -> fetch("RETR " + name, Path.of(name));
            case "list" -> fetch("LIST", Path.of(name));
            case "put" -> transfer("STOR " + name, data -> {
                data.getOutputStream().write(content);
                data.close();
            });
            default -> System.out.println(ask("DELE " + name));
        }
    }

    private static int run(String[] words) throws IOException, FtpException {
        byte[] content = words[4].equals("put") ? Files.readAllBytes(Path.of(words[5])) : new byte[0];
        try (Socket control = new Socket(words[0], Integer.parseInt(words[1]))) {
            Client client = new Client(control);
            int status = 0;
            try {
                client.logIn(words[2], words[3]);
                client.obey(words[4], words[5], content);
            } catch (FtpException error) {
                System.err.println("client: " + error.getMessage());
                status = 1;
            }
            client.ask("QUIT");
            return status;
        }
    }

    public static void main(String[] words) {
        if (words.length != 6 || !words[1].matches("\\d{1,5}")
                || !Set.of("get", "put", "list", "delete").contains(words[4])) {
            System.err.println("usage: java Client HOST PORT USER PASSWORD get|put|list|delete NAME");
            System.exit(2);
        }
        try {
            System.exit(run(words));
        } catch (IOException | FtpException | IllegalArgumentException error) {
            System.err.println("client: " + error);
            System.exit(1);
        }
    }
}
