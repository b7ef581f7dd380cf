# TCP echo client.
require 'socket'

def converse(server)
  while (line = $stdin.gets)
    line = line.delete_suffix("\n")
    server.write("#{line}\n")
    reply = server.gets
    raise EOFError, 'the server has closed the connection' unless reply&.end_with?("\n")

    $stdout.write(reply)
    $stdout.flush
    break if line == 'close'
  end
end

host, port = ARGV
if port.nil?
  warn 'usage: ruby client.rb HOST PORT'
  exit 2
end
trap('INT') { exit 130 }
begin
  TCPSocket.open(host, port) { |server| converse(server) }
rescue SystemCallError, SocketError, IOError => e
  warn "client: #{e.message}"
  exit 1
end
