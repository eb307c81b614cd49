namespace Postern.Interop.Tests.Harness;

/// <summary>sendmail, which knows neither the PROXY protocol nor XCLIENT. Mail stays in its queue.</summary>
internal sealed class Sendmail : IMailServer
{
    private readonly Overlaid _overlaid = new("sendmail", ["smmta", "smmsp"]);

    public Sendmail()
    {
        _overlaid.MakeDirectory("queue");
        _overlaid.Write("switch", "hosts files\naliases files\n");
        _overlaid.Write("lab.mc", $"""
            include(`/usr/share/sendmail/cf/m4/cf.m4')
            VERSIONID(`lab')
            OSTYPE(`debian')
            DOMAIN(`debian-mta')
            define(`QUEUE_DIR', `{_overlaid.Path}/queue')
            define(`confPID_FILE', `{_overlaid.Path}/pid')
            define(`STATUS_FILE', `{_overlaid.Path}/statistics')
            define(`confSERVICE_SWITCH_FILE', `{_overlaid.Path}/switch')
            define(`confDELIVERY_MODE', `queueonly')
            define(`confQUEUE_LA', `1000')
            define(`confREFUSE_LA', `1000')
            define(`confDOMAIN_NAME', `sendmail.lab.example')
            LOCAL_DOMAIN(`lab.example')
            FEATURE(`no_default_msa')
            FEATURE(`accept_unresolvable_domains')
            DAEMON_OPTIONS(`Port={Port}, Addr=127.0.0.1, Name=MTA')
            MAILER(`local')
            MAILER(`smtp')

            """);
        _overlaid.Start($"m4 lab.mc >lab.cf && exec /usr/libexec/sendmail/sendmail -C{_overlaid.Path}/lab.cf -bD -X {_overlaid.Path}/traffic", Port);
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort => Port;

    public string Announcement => "none";

    public string Log => _overlaid.Output + _overlaid.Read("traffic");

    public IReadOnlyList<string> Mails => [.. Directory.EnumerateFiles(Path.Combine(_overlaid.Path, "queue"), "qf*").Select(File.ReadAllText)];

    public string Trace(string client) => "";

    public void Dispose() => _overlaid.Dispose();
}
