import java.io.IOException
import java.net.DatagramPacket
import java.net.DatagramSocket
import kotlin.system.exitProcess

fun main(args: Array<String>) {
    val port = args.firstOrNull()?.toIntOrNull() ?: 0
    if (port !in 1..65535) {
        System.err.println("usage: server PORT")
        exitProcess(2)
    }
    val socket = try {
        DatagramSocket(port)
    } catch (e: IOException) {
        System.err.println("can't use port $port: ${e.message}")
        exitProcess(1)
    }
    val buffer = ByteArray(65536)
    while (true) {
        val packet = DatagramPacket(buffer, buffer.size)
        try {
            socket.receive(packet)
            for (i in 0 until packet.length) {
                if (buffer[i] in 97..122) buffer[i] = (buffer[i] - 32).toByte()
            }
            socket.send(packet)
        } catch (e: IOException) {
            println("not sent: ${e.message}")
        }
    }
}
