using System.IO.Pipes;
using System.Net.Sockets;
using System.Text;
using Postern.Core;
using Postern.Logging;
using Postern.Native;

namespace Postern.Tests.Logging;

public sealed class StandardOutputDestinationTests
{
    private static readonly LogTag Tag = new("postfix", "postscreen", 1);
    private static readonly ManualTime Time = new(new DateTimeOffset(2026, 11, 24, 2, 58, 5, TimeSpan.Zero));

    [Fact]
    public void A_pipe_that_nobody_reads_holds_nothing_up_and_is_not_made_non_blocking_for_others()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = new AnonymousPipeClientStream(PipeDirection.Out, reader.ClientSafePipeHandle);
        var descriptor = (int)writer.SafePipeHandle.DangerousGetHandle();
        using var log = new MailLog(new StandardOutputDestination(descriptor), new LogOptions(), Time);
        const int Lines = 5000; // far more than a pipe holds

        for (var i = 0; i < Lines; i++)
            log.Write(Tag, LogSeverity.Info, $"line {i}");
        log.Flush();

        Assert.True(log.HasPending);
        Assert.Equal(0, Libc.fcntl(descriptor, Libc.F_GETFL, 0) & Libc.O_NONBLOCK);

        using var lines = new StreamReader(reader, Encoding.Latin1);
        for (var i = 0; i < Lines; i++)
        {
            log.Flush();
            Assert.Equal($"Nov 24 02:58:05 localhost postfix/postscreen[1]: line {i}", lines.ReadLine());
        }

        Assert.False(log.HasPending);
    }

    [Fact]
    public void A_socket_that_nobody_reads_holds_nothing_up()
    {
        var (ours, theirs) = SocketPair();
        using (ours)
        using (theirs)
        {
            using var log = new MailLog(new StandardOutputDestination((int)ours.Handle), new LogOptions(), Time);
            for (var i = 0; i < 20_000; i++)
                log.Write(Tag, LogSeverity.Info, $"line {i}");
            log.Flush();
            Assert.True(log.HasPending);

            theirs.ReceiveTimeout = 5000;
            using var lines = new StreamReader(new NetworkStream(theirs), Encoding.Latin1);
            for (var i = 0; i < 20_000; i++)
            {
                log.Flush();
                Assert.EndsWith($"]: line {i}", lines.ReadLine(), StringComparison.Ordinal);
            }

            Assert.False(log.HasPending);
        }
    }

    [Fact]
    public void A_reader_that_went_away_is_no_exception()
    {
        var (ours, theirs) = SocketPair();
        using (ours)
        {
            theirs.Dispose();
            using var log = new MailLog(new StandardOutputDestination((int)ours.Handle), new LogOptions(), Time);

            log.WriteNow(Tag, LogSeverity.Info, "to nobody");

            Assert.True(log.HasPending);
        }
    }

    private static unsafe (Socket Ours, Socket Theirs) SocketPair()
    {
        var pair = stackalloc int[2];
        Assert.Equal(0, Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, pair));
        return (new Socket(new SafeSocketHandle(pair[0], true)), new Socket(new SafeSocketHandle(pair[1], true)));
    }
}
