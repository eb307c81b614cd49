using System.Net.Sockets;
using System.Text;
using Postern.Core;
using Postern.Logging;

namespace Postern.Tests.Logging;

public sealed class DatagramDestinationTests : IDisposable
{
    private static readonly LogTag Tag = new("postfix", "postscreen", 1);

    private readonly ManualTime _time = new(new DateTimeOffset(2026, 11, 24, 2, 58, 5, TimeSpan.Zero));
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_line_is_a_datagram_without_a_line_end()
    {
        using var daemon = Listen();
        using var log = Open();

        log.Write(Tag, LogSeverity.Info, "one"u8);
        log.Write(Tag, LogSeverity.Warning, "two"u8);
        log.Flush();

        Assert.Equal("<22>Nov 24 02:58:05 postfix/postscreen[1]: one", Receive(daemon));
        Assert.Equal("<20>Nov 24 02:58:05 postfix/postscreen[1]: warning: two", Receive(daemon));
        Assert.Equal(0, daemon.Available);
    }

    [Fact]
    public void Postlogd_gets_lines_as_they_stand_in_the_file()
    {
        using var daemon = Listen();
        var options = new LogOptions { HostName = "mx.example.com", MaillogFile = "/var/log/maillog", PostlogSocket = _folder["log"] };
        Assert.True(MailLog.TryOpen(options, _time, out var log, out _));
        using (log)
            log.WriteNow(Tag, LogSeverity.Warning, "two"u8);

        Assert.Equal("Nov 24 02:58:05 mx postfix/postscreen[1]: warning: two", Receive(daemon));
    }

    [Fact]
    public void A_daemon_that_restarted_is_found_by_the_next_line()
    {
        using var log = Open(Listen(), out var first);
        log.WriteNow(Tag, LogSeverity.Info, "one");
        Assert.EndsWith(": one", Receive(first), StringComparison.Ordinal);
        Stop(first);
        using var second = Listen();

        log.WriteNow(Tag, LogSeverity.Info, "two");

        Assert.EndsWith(": two", Receive(second), StringComparison.Ordinal);
        Assert.EndsWith($": warning: cannot write to {_folder["log"]}: Connection refused", Receive(second), StringComparison.Ordinal);
    }

    [Fact]
    public void While_the_daemon_is_away_lines_wait_and_connecting_is_tried_ever_more_seldom()
    {
        using var log = Open(Listen(), out var first);
        log.WriteNow(Tag, LogSeverity.Info, "one");
        Stop(first);

        log.WriteNow(Tag, LogSeverity.Info, "two");
        for (var i = 0; i < 10; i++) // 0.1, 0.2, 0.4 ... 5 s
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            log.Flush();
        }

        using var second = Listen();
        _time.Advance(TimeSpan.FromSeconds(4.9));
        log.WriteNow(Tag, LogSeverity.Info, "three");
        Assert.Equal(0, second.Available);
        Assert.True(log.HasPending);

        _time.Advance(TimeSpan.FromSeconds(0.1));
        log.Flush();

        Assert.EndsWith(": two", Receive(second), StringComparison.Ordinal);
        Assert.Contains(": warning: cannot ", Receive(second), StringComparison.Ordinal);
        Assert.EndsWith(": three", Receive(second), StringComparison.Ordinal);
        Assert.False(log.HasPending);
        Assert.Equal(0, second.Available);
    }

    [Fact]
    public void A_daemon_that_reads_slowly_gets_every_line_in_order()
    {
        using var daemon = Listen();
        using var log = Open();
        const int Lines = 2000;
        for (var i = 0; i < Lines; i++)
            log.Write(Tag, LogSeverity.Info, $"line {i}");
        log.Flush();
        Assert.True(log.HasPending); // the queue of a UNIX datagram socket is short

        for (var i = 0; i < Lines; i++)
        {
            Assert.EndsWith($": line {i}", Receive(daemon), StringComparison.Ordinal);
            log.Flush();
        }

        Assert.False(log.HasPending);
    }

    private Socket Listen()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder["log"]));
        return socket;
    }

    private void Stop(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Both); // a program that another test is about to start may still hold a copy
        socket.Dispose();
        File.Delete(_folder["log"]);
    }

    private MailLog Open() => new(new DatagramDestination(_folder["log"], isSyslog: true, _time), new LogOptions(), _time);

    private MailLog Open(Socket daemon, out Socket same)
    {
        same = daemon;
        return Open();
    }

    private static string Receive(Socket daemon)
    {
        daemon.ReceiveTimeout = 5000;
        var buffer = new byte[4096];
        return Encoding.Latin1.GetString(buffer, 0, daemon.Receive(buffer));
    }
}
