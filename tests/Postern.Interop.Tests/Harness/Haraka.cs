using System.Diagnostics;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>Haraka from npm, which knows version 1 of the PROXY protocol, and XCLIENT.</summary>
internal sealed class Haraka : IMailServer
{
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-haraka-").FullName;
    private readonly StringBuilder _log = new();
    private readonly Process _process;

    private Haraka(string modules, string announcement, Certificates certificates)
    {
        Announcement = announcement;
        foreach (var folder in (string[])["config", "plugins", "queue", "mail"])
            Directory.CreateDirectory(Path.Combine(_directory, folder));
        Write("smtp.ini", $"listen=127.0.0.1:{Port}\n");
        Write("plugins", announcement == "xclient" ? "tls\nxclient\nrcpt_to.in_host_list\nqueue/test\n" : "tls\nrcpt_to.in_host_list\nqueue/test\n");
        Write("host_list", "lab.example\n");
        Write("me", "haraka.lab.example\n");
        Write("log.ini", "[main]\nlevel=info\n");
        File.Copy(certificates.CopyFor("0", _directory), Path.Combine(_directory, "config/tls_key.pem"));
        File.Copy(Path.Combine(_directory, "chain.pem"), Path.Combine(_directory, "config/tls_cert.pem"));
        var connection = File.ReadAllText(modules + "/Haraka/config/connection.ini"); // it does not do without
        Write("connection.ini", announcement == "xclient" ? connection : connection
            .Replace("[haproxy]\n", "[haproxy]\nenabled=true\n", StringComparison.Ordinal).Replace("hosts[] =\n", "hosts[]=127.0.0.1\n", StringComparison.Ordinal));
        if (announcement == "xclient")
            Write("xclient.hosts", "127.0.0.1\n");
        _process = Tool.Start("env", "TMPDIR=" + Path.Combine(_directory, "mail"), "node", modules + "/Haraka/bin/haraka", "-c", _directory);
        _process.OutputDataReceived += Take;
        _process.ErrorDataReceived += Take;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Wait.Until(() => _process.HasExited || SmtpTalk.IsOpen(Port), () => "Haraka does not start: " + Log);
        Assert.False(_process.HasExited, $"Haraka has ended: {Log}");
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort => Port;

    public string Announcement { get; }

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public IReadOnlyList<string> Mails => [.. Directory.EnumerateFiles(Path.Combine(_directory, "mail"), "mail_*.eml").Select(File.ReadAllText)];

    public string Trace(string client) => $@"disconnect ip={client} .* msgs=1/";

    public static Haraka Start(string announcement, Certificates certificates) => new(Unpacked.Npm("haraka") + "/node_modules", announcement, certificates);

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_directory, "config", name), text);

    private void Take(object sender, DataReceivedEventArgs data)
    {
        lock (_log)
            _log.AppendLine(data.Data);
    }
}
