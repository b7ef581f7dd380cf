# TCP upper case server, a thread for each client.
require 'socket'

def serve(client)
  client.binmode
  while (line = client.gets)
    break unless line.end_with?("\n") # the connection has ended within a line

    client.write(line.tr('a-z', 'A-Z'))
  end
rescue SystemCallError, IOError => e
  puts "lost a client: #{e.message}"
ensure
  client.close
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
