using System.Diagnostics;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>
/// OpenSMTPD, which knows version 2 of the PROXY protocol. Its paths are fixed, so it runs in a mount namespace with
/// folders of its own in their places.
/// </summary>
internal sealed class OpenSmtpd : IMailServer
{
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-opensmtpd-").FullName;
    private readonly StringBuilder _log = new();
    private readonly Process _process;

    private OpenSmtpd(string root, Certificates certificates)
    {
        Tool.Must("chmod", "0755", _directory);
        Directory.CreateDirectory(Path.Combine(_directory, "box"));
        Tool.Must("chown", "65530:65530", Path.Combine(_directory, "box"));
        const string users = "opensmtpd:x:65531:65531::/:/usr/sbin/nologin\nopensmtpq:x:65532:65532::/:/usr/sbin/nologin\n";
        File.WriteAllText(Path.Combine(_directory, "passwd"), File.ReadAllText("/etc/passwd") + users + $"box:x:65530:65530::{_directory}/box:/bin/sh\n");
        File.WriteAllText(Path.Combine(_directory, "group"), File.ReadAllText("/etc/group") + "opensmtpd:x:65531:\nopensmtpq:x:65532:\nbox:x:65530:\n");
        File.WriteAllText(Path.Combine(_directory, "smtpd.conf"), $$"""
            pki lab cert "{{certificates.CopyFor("0", _directory)}}"
            pki lab key "{{_directory}}/chain.pem"
            table boxes { "@" = box }
            listen on 127.0.0.1 port {{Port}} proxy-v2 hostname opensmtpd.lab.example tls pki lab
            listen on 127.0.0.1 port {{DirectPort}} hostname opensmtpd.lab.example tls pki lab
            action "keep" maildir "{{_directory}}/box/maildir" virtual <boxes>
            match from any for domain "lab.example" action "keep"

            """);
        const string run = """
            cd "$0" && mount --bind passwd /etc/passwd && mount --bind group /etc/group
            for folder in /run /var/spool /var/lib /usr/libexec; do mount -t tmpfs none $folder; done
            mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty && chmod 711 /var/spool/smtpd
            ln -s "$1/usr/libexec/opensmtpd" /usr/libexec/opensmtpd
            chmod 600 chain.pem
            exec "$1/usr/sbin/smtpd" -d -f "$0/smtpd.conf"
            """;
        _process = Tool.Start("unshare", ["--mount", "sh", "-c", run, _directory, root]);
        _process.OutputDataReceived += Take;
        _process.ErrorDataReceived += Take;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Wait.Until(() => _process.HasExited || SmtpTalk.IsOpen(Port), () => "OpenSMTPD does not start: " + Log);
        Assert.False(_process.HasExited, $"OpenSMTPD has ended: {Log}");
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort { get; } = MailHost.FreePort();

    public string Announcement => "proxy-v2";

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public IReadOnlyList<string> Mails => Directory.Exists(Path.Combine(_directory, "box/maildir/new"))
        ? [.. Directory.EnumerateFiles(Path.Combine(_directory, "box/maildir/new")).Select(File.ReadAllText)]
        : [];

    public string Trace(string client) => $@"smtp connected address={client} ";

    public static OpenSmtpd Start(Certificates certificates) => new(Unpacked.Debian("opensmtpd"), certificates);

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Take(object sender, DataReceivedEventArgs data)
    {
        lock (_log)
            _log.AppendLine(data.Data);
    }
}
