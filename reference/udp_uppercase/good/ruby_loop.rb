# UDP upper case server.
require 'socket'

port = Integer(ARGV[0] || '', exception: false)
unless port&.between?(1, 65_535)
  warn 'usage: ruby server.rb PORT'
  exit 2
end
socket = UDPSocket.new
begin
  socket.bind('0.0.0.0', port)
rescue SystemCallError => e
  warn "can't use port #{port}: #{e.message}"
  exit 1
end
trap('INT') { exit }
trap('TERM') { exit }
loop do
  data, client = socket.recvfrom(65_536)
  socket.send(data.b.tr('a-z', 'A-Z'), 0, client[3], client[1])
rescue SystemCallError => e
  puts "not sent: #{e.message}" # a client that is gone
end
