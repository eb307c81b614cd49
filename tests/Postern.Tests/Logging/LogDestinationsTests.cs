using System.Net.Sockets;
using Postern.Logging;

namespace Postern.Tests.Logging;

public sealed class LogDestinationsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Maillog_file_comes_before_syslog()
    {
        using var daemon = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        daemon.Bind(new UnixDomainSocketEndPoint(_folder["socket"]));
        var options = new LogOptions { SyslogSocket = _folder["socket"] };

        Assert.IsType<FileDestination>(Open(options with { MaillogFile = _folder["log"] }));
        Assert.IsType<DatagramDestination>(Open(options));
    }

    [Fact]
    public void Without_a_syslog_daemon_the_log_goes_to_standard_output()
    {
        File.WriteAllText(_folder["file"], "");

        Assert.IsType<StandardOutputDestination>(Open(new LogOptions { SyslogSocket = _folder["missing"] }));
        Assert.IsType<StandardOutputDestination>(Open(new LogOptions { SyslogSocket = _folder["file"] }));
    }

    [Fact]
    public void Standard_output_can_be_asked_for_by_option_and_by_name()
    {
        Assert.IsType<StandardOutputDestination>(Open(new LogOptions { MaillogFile = "/dev/stdout" }));
        Assert.IsType<StandardOutputDestination>(Open(new LogOptions { MaillogFile = _folder["log"], ToStandardOutput = true }));
        Assert.False(File.Exists(_folder["log"]));
    }

    [Fact]
    public void A_reload_moves_the_log_and_a_bad_reload_leaves_it()
    {
        var options = new LogOptions { MaillogFile = _folder["a"] };
        Assert.True(MailLog.TryOpen(options, TimeProvider.System, out var log, out var problem), problem);
        using var _ = log;
        var tag = new LogTag("postfix", "postscreen", 1);

        log.Write(tag, Core.LogSeverity.Info, "one");
        Assert.True(log.TryReconfigure(options with { MaillogFile = _folder["b"], HostName = "other.example.com" }, out problem));
        log.Write(tag, Core.LogSeverity.Info, "two");
        Assert.False(log.TryReconfigure(options with { MaillogFile = "/nonexistent/log" }, out problem));
        log.WriteNow(tag, Core.LogSeverity.Info, "three");

        Assert.Contains(" localhost postfix/postscreen[1]: one", Assert.Single(File.ReadAllLines(_folder["a"])), StringComparison.Ordinal);
        Assert.Collection(
            File.ReadAllLines(_folder["b"]),
            line => Assert.EndsWith(" other postfix/postscreen[1]: two", line, StringComparison.Ordinal),
            line => Assert.EndsWith(" other postfix/postscreen[1]: three", line, StringComparison.Ordinal));
    }

    private static ILogDestination Open(LogOptions options)
    {
        Assert.True(LogDestinations.TryOpen(options, TimeProvider.System, out var destination, out var problem), problem);
        destination.Dispose();
        return destination;
    }
}
