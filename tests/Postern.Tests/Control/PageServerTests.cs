using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Control;

namespace Postern.Tests.Control;

public sealed class PageServerTests
{
    [Fact]
    public void A_missing_program_is_told_in_words_to_each_reader_and_once_to_the_log()
    {
        var warnings = new List<string>();
        using var server = new PageServer(["/nowhere/postern-dashboard", "/etc/postfix"], warnings.Add);
        const string Problem = "the page cannot be shown, since its program /nowhere/postern-dashboard cannot be started: No such file or directory -- install it beside postern; from a chroot it cannot be started";

        for (var i = 0; i < 5; i++)
            Assert.Equal($"HTTP/1.1 503 Service Unavailable {Problem}\n", Ask(server));

        Assert.Equal([Problem], warnings);
    }

    [Fact]
    public void A_program_that_ends_at_once_is_not_waited_for()
    {
        var warnings = new List<string>();
        using var server = new PageServer(["/bin/true", "postern-dashboard.dll", "/etc/postfix"], warnings.Add);
        var start = Environment.TickCount64;

        Assert.Contains("its program postern-dashboard.dll cannot be started: it ends at once; postern check says", Ask(server), StringComparison.Ordinal);

        Assert.InRange(Environment.TickCount64 - start, 0, 8_000);
        Assert.Single(warnings);
    }

    [Fact]
    public void A_reader_never_waits_for_a_program_that_is_slow_to_come_but_is_turned_away_when_there_are_too_many()
    {
        using var server = new PageServer(["/bin/sh", "-c", "sleep 100"], static _ => { });
        var readers = Enumerable.Range(0, 40).Select(static _ => Connect()).ToList();
        var start = Environment.TickCount64;

        var refused = readers.Select(reader => server.TryTake(reader.Served)).Count(static problem => problem is not null);

        Assert.InRange(Environment.TickCount64 - start, 0, 4_000); // the first waits for ten seconds
        Assert.InRange(refused, 40 - 33, 40 - 32); // one is being served
        readers.ForEach(static reader => reader.Reader.Dispose());
    }

    private static string Ask(PageServer server)
    {
        var (reader, served) = Connect();
        using (reader)
        {
            reader.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
            Assert.Null(server.TryTake(served));
            var answer = new StringBuilder();
            var buffer = new byte[4096];
            while (reader.Receive(buffer) is > 0 and var read)
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            var parts = answer.ToString().Split("\r\n\r\n");
            return $"{parts[0].Split("\r\n")[0]} {parts[1]}";
        }
    }

    private static (Socket Reader, Socket Served) Connect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var reader = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        reader.Connect(listener.LocalEndPoint!);
        return (reader, listener.Accept());
    }
}
