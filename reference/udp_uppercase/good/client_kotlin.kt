import java.io.IOException
import java.io.PrintStream
import java.net.DatagramPacket
import java.net.DatagramSocket
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketTimeoutException
import kotlin.system.exitProcess

const val TRIES = 3
const val SECOND_NS = 1_000_000_000L

class Asker(private val server: InetSocketAddress) {
    private val socket = DatagramSocket()
    private val buffer = ByteArray(65536)

    /** The reply to a line, or null. */
    fun ask(line: ByteArray): ByteArray? {
        val wanted = line.map { if (it in 97..122) (it - 32).toByte() else it }.toByteArray()
        repeat(TRIES) {
            val until = System.nanoTime() + SECOND_NS
            try {
                socket.send(DatagramPacket(line, line.size, server))
            } catch (e: IOException) {
                // like a line that got lost
            }
            if (comes(wanted, until)) return wanted
        }
        return null
    }

    private fun comes(wanted: ByteArray, until: Long): Boolean {
        while (true) {
            val leftMs = (until - System.nanoTime()) / 1_000_000
            if (leftMs <= 0) return false
            val packet = DatagramPacket(buffer, buffer.size)
            try {
                socket.soTimeout = leftMs.toInt()
                socket.receive(packet)
            } catch (e: SocketTimeoutException) {
                return false
            }
            val reply = buffer.copyOf(packet.length)
            if (packet.socketAddress == server && reply.contentEquals(wanted)) return true
        }
    }
}

fun main(args: Array<String>) {
    if (args.size != 2) {
        System.err.println("usage: client HOST PORT")
        exitProcess(2)
    }
    val screen = PrintStream(System.out, true, "UTF-8")
    try {
        val asker = Asker(InetSocketAddress(InetAddress.getByName(args[0]), args[1].toInt()))
        val keyboard = System.`in`.bufferedReader()
        while (true) {
            val line = keyboard.readLine()
            if (line == null || line == "quit") break
            val reply = asker.ask(line.toByteArray())
            if (reply == null) System.err.println("no answer") else screen.println(String(reply))
        }
    } catch (e: IOException) {
        System.err.println("client: $e")
        exitProcess(1)
    }
}
