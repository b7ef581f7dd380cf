import java.io.BufferedInputStream
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.PrintStream
import java.net.Socket
import kotlin.system.exitProcess

/** The next line without its LF. */
fun readReply(input: InputStream): String {
    val line = ByteArrayOutputStream()
    while (true) {
        val byte = input.read()
        if (byte == -1) throw IOException("the server has closed the connection")
        if (byte == 10) return line.toString("UTF-8")
        line.write(byte)
    }
}

fun talk(server: Socket) {
    val keyboard = System.`in`.bufferedReader()
    val screen = PrintStream(System.out, true, "UTF-8")
    val input = BufferedInputStream(server.getInputStream())
    while (true) {
        val line = keyboard.readLine() ?: return
        server.getOutputStream().write("$line\n".toByteArray())
        screen.println(readReply(input))
        if (line == "close") return
    }
}

fun main(args: Array<String>) {
    if (args.size != 2) {
        System.err.println("usage: client HOST PORT")
        exitProcess(2)
    }
    try {
        Socket(args[0], args[1].toInt()).use { talk(it) }
    } catch (e: IOException) {
        System.err.println("client: $e")
        exitProcess(1)
    }
}
