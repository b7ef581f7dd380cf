import java.io.BufferedInputStream
import java.io.BufferedOutputStream
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.net.ServerSocket
import java.net.Socket
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/** Answers every whole line of one client. */
fun serve(client: Socket) {
    val input = BufferedInputStream(client.getInputStream())
    val output = BufferedOutputStream(client.getOutputStream())
    val line = ByteArrayOutputStream()
    while (true) {
        val byte = input.read()
        if (byte == -1) return
        line.write(if (byte in 97..122) byte - 32 else byte)
        if (byte == 10) {
            line.writeTo(output)
            output.flush()
            line.reset()
        }
    }
}

fun main(args: Array<String>) {
    val port = args.firstOrNull()?.toIntOrNull() ?: 0
    if (port !in 1..65535) {
        System.err.println("usage: server PORT")
        exitProcess(2)
    }
    val listener = try {
        ServerSocket(port)
    } catch (e: IOException) {
        System.err.println("can't serve port $port: ${e.message}")
        exitProcess(1)
    }
    while (true) {
        val client = listener.accept()
        thread {
            try {
                client.use { serve(it) }
            } catch (e: IOException) {
                println("lost a client: ${e.message}")
            }
        }
    }
}
