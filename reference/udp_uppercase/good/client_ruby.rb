# UDP upper case client: three tries, a second each.
require 'io/wait'
require 'socket'

# Asks one server over one socket.
class Asker
  def initialize(host, port)
    @server = Addrinfo.udp(IPSocket.getaddress(host), Integer(port))
    @socket = UDPSocket.new
  end

  # The reply to a line, or nil.
  def ask(line)
    wanted = line.b.tr('a-z', 'A-Z')
    3.times do
      stop = now + 1
      send_line(line)
      return wanted if comes?(wanted, stop)
    end
    nil
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def send_line(line)
    @socket.send(line, 0, @server)
  rescue SystemCallError
    # like a line that got lost
  end

  def comes?(wanted, stop)
    while (left = stop - now).positive?
      next unless @socket.wait_readable(left)

      data, from = @socket.recvmsg(65_536)
      return true if data.b == wanted && from.ip_address == @server.ip_address && from.ip_port == @server.ip_port
    end
    false
  end
end

host, port = ARGV
if port.nil?
  warn 'usage: ruby client.rb HOST PORT'
  exit 2
end
trap('INT') { exit 130 }
begin
  asker = Asker.new(host, port)
  while (line = $stdin.gets&.delete_suffix("\n")) && line != 'quit'
    if (reply = asker.ask(line))
      $stdout.write(reply, "\n")
      $stdout.flush
    else
      warn 'no answer'
    end
  end
rescue SystemCallError, SocketError, ArgumentError => e
  warn "client: #{e.message}"
  exit 1
end
