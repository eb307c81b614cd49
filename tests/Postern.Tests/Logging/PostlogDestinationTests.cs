using System.Net.Sockets;
using System.Text;
using Postern.Core;
using Postern.Logging;

namespace Postern.Tests.Logging;

public sealed class PostlogDestinationTests : IDisposable
{
    private static readonly LogTag Tag = new("postfix", "postscreen", 1);

    private readonly TemporaryFolder _folder = new();

    private string[] File => [.. System.IO.File.ReadAllLines(_folder["file"]).Select(Text)];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_few_lines_go_to_postlogd()
    {
        using var postlogd = Listen();
        using var log = Open();

        log.Write(Tag, LogSeverity.Info, "one");
        log.WriteNow(Tag, LogSeverity.Info, "two");

        Assert.Equal(["one", "two"], [Receive(postlogd), Receive(postlogd)]);
        Assert.Empty(File);
    }

    [Fact]
    public void Many_lines_go_to_the_file_once_postlogd_has_read_what_came_before()
    {
        using var postlogd = Listen();
        using var log = Open();
        log.WriteNow(Tag, LogSeverity.Info, "before");

        WriteMany(log);
        log.Write(Tag, LogSeverity.Info, "last of many");
        Assert.Empty(File);
        Assert.Equal("before", Receive(postlogd));
        log.Flush();

        Assert.Equal("last of many", File[^1]);
        Assert.Equal(0, postlogd.Available);
        log.WriteNow(Tag, LogSeverity.Info, "after");
        Assert.Equal("after", Receive(postlogd));
    }

    [Fact]
    public void What_postlogd_does_not_read_is_not_waited_for()
    {
        using var postlogd = Listen();
        using var log = Open();
        log.WriteNow(Tag, LogSeverity.Info, "before");

        WriteMany(log);
        log.Flush();
        log.WriteNow(Tag, LogSeverity.Info, "after");

        Assert.Equal("after", File[^1]);
        Assert.Equal("before", Receive(postlogd));
        Assert.Equal(0, postlogd.Available);
    }

    [Fact]
    public void Without_postlogd_the_file_has_every_line_and_no_complaint()
    {
        using var log = Open();

        log.WriteNow(Tag, LogSeverity.Info, "down");
        using (var postlogd = Listen())
        {
            log.Reopen();
            log.WriteNow(Tag, LogSeverity.Info, "up");
            Assert.Equal("up", Receive(postlogd));
            postlogd.Shutdown(SocketShutdown.Both);
        }

        log.WriteNow(Tag, LogSeverity.Info, "down again");

        Assert.Equal(["down", "down again"], File);
    }

    [Fact]
    public void The_rest_of_a_line_follows_its_beginning_into_the_file()
    {
        using var postlogd = Listen();
        Assert.True(FileDestination.TryOpen("maillog_file", "/dev/full", 0, TimeProvider.System, out var full, out _));
        using var destination = new PostlogDestination(new DatagramDestination(_folder["postlog"], isSyslog: false, TimeProvider.System), full);

        Assert.Equal(0, destination.Write(Encoding.ASCII.GetBytes(new string('x', 2000) + "\n")));
        Assert.Equal(0, destination.Write("the rest\n"u8));

        Assert.Equal(0, postlogd.Available);
    }

    private static void WriteMany(MailLog log)
    {
        for (var i = 0; i < 100; i++)
            log.Write(Tag, LogSeverity.Info, $"line {i}");
    }

    private static string Receive(Socket postlogd)
    {
        postlogd.ReceiveTimeout = 5000;
        var buffer = new byte[4096];
        return Text(Encoding.Latin1.GetString(buffer, 0, postlogd.Receive(buffer)));
    }

    private static string Text(string line) => line[(line.IndexOf("]: ", StringComparison.Ordinal) + 3)..];

    private Socket Listen()
    {
        System.IO.File.Delete(_folder["postlog"]);
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder["postlog"]));
        return socket;
    }

    private MailLog Open()
    {
        var options = new LogOptions { MaillogFile = _folder["file"], PostlogSocket = _folder["postlog"] };
        Assert.True(MailLog.TryOpen(options, TimeProvider.System, out var log, out var problem), problem);
        return log;
    }
}
