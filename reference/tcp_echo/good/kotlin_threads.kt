import java.io.IOException
import java.net.ServerSocket
import java.net.Socket
import kotlin.concurrent.thread
import kotlin.system.exitProcess

const val DRAINED = 256 * 1024

/** Finds the line `close` in what a client sends, however it is split. */
class Closing {
    private val line = StringBuilder()

    /** Where it ends in what has come, or null. */
    fun endIn(data: ByteArray, size: Int): Int? {
        for (i in 0 until size) {
            val char = (data[i].toInt() and 0xff).toChar()
            if (char != '\n') {
                if (line.length < 8) line.append(char)
                continue
            }
            val said = line.toString()
            line.setLength(0)
            if (said == "close" || said == "close\r") return i + 1
        }
        return null
    }
}

fun serve(client: Socket) {
    val input = client.getInputStream()
    val output = client.getOutputStream()
    val closing = Closing()
    val data = ByteArray(8192)
    while (true) {
        val size = input.read(data)
        if (size < 0) return
        val end = closing.endIn(data, size)
        output.write(data, 0, end ?: size)
        if (end != null) {
            client.shutdownOutput()
            var dropped = size - end
            while (dropped < DRAINED) {
                val more = input.read(data)
                if (more < 0) return
                dropped += more
            }
            return
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
        ServerSocket(port, 128)
    } catch (e: IOException) {
        System.err.println("can't serve port $port: ${e.message}")
        exitProcess(1)
    }
    while (true) {
        val client = listener.accept()
        thread(isDaemon = true) {
            try {
                client.use { serve(it) }
            } catch (e: IOException) {
                println("lost a client: ${e.message}")
            }
        }
    }
}
