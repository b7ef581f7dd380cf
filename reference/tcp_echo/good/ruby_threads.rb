# TCP echo server, a thread for each client.
require 'socket'

DRAINED = 256 * 1024

# Finds the line `close` in what a client sends, however it is split.
class Closing
  def initialize
    @line = ''.b
  end

  # Where it ends in what has come, or nil.
  def end_in(data)
    at = 0
    while (stop = data.index("\n", at))
      line = @line + data.byteslice(at...stop)
      @line = ''.b
      return stop + 1 if ['close', "close\r"].include?(line)

      at = stop + 1
    end
    @line = (@line + data.byteslice(at, 8)).byteslice(0, 8)
    nil
  end
end

def serve(client)
  closing = Closing.new
  loop do
    data = client.readpartial(16_384)
    stop = closing.end_in(data)
    client.write(stop ? data.byteslice(0, stop) : data)
    return leave(client, data.bytesize - stop) if stop
  end
rescue EOFError
  # it has closed its side
rescue SystemCallError, IOError => e
  puts "lost a client: #{e.message}"
ensure
  client.close
end

# Ends our side, and reads what still comes: closing with unread bytes would be a reset.
def leave(client, dropped)
  client.close_write
  dropped += client.readpartial(16_384).bytesize while dropped < DRAINED
end

port = Integer(ARGV[0] || '', exception: false)
unless port&.between?(1, 65_535)
  warn 'usage: ruby server.rb PORT'
  exit 2
end
begin
  listener = TCPServer.new('0.0.0.0', port)
rescue SystemCallError => e
  warn "can't serve port #{port}: #{e.message}"
  exit 1
end
trap('INT') { exit }
trap('TERM') { exit }
loop do
  Thread.new(listener.accept) { |client| serve(client) }
end
