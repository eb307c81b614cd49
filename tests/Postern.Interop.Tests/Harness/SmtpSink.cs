using System.Diagnostics;

namespace Postern.Interop.Tests.Harness;

/// <summary>A server that knows of no announcement, no TLS, and logs nothing: Postfix's smtp-sink.</summary>
internal sealed class SmtpSink : IMailServer
{
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-sink-").FullName;
    private readonly Process _process;

    /// <summary>Starts it; skips the test where there is none.</summary>
    public SmtpSink()
    {
        Tool.RequireRoot();
        Tool.Require("smtp-sink");
        Tool.Must("chmod", "0777", _directory);
        _process = Tool.Start("smtp-sink", "-u", MailHost.Owner, "-e", "-d", $"{_directory}/%M.", $"127.0.0.1:{Port}", "100");
        Wait.Until(() => _process.HasExited || SmtpTalk.IsOpen(Port), () => "smtp-sink does not start");
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort => Port;

    public string Announcement => "none";

    public string Log => "";

    public IReadOnlyList<string> Mails => [.. Directory.EnumerateFiles(_directory).Select(File.ReadAllText)];

    public string Trace(string client) => "";

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
