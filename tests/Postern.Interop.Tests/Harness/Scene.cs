namespace Postern.Interop.Tests.Harness;

/// <summary>Postern with every deep test on, and one of the mail servers behind it that docs/behind has pages of.</summary>
internal sealed class Scene : IDisposable
{
    /// <summary>The servers, and how they are told of clients.</summary>
    public static readonly string[] Servers = ["Postfix proxy-v2", "Postfix xclient", "Exim proxy-v2", "OpenSMTPD proxy-v2", "Haraka proxy-v1", "Haraka xclient", "nginx proxy-v1", "nginx proxy-v2", "smtp-sink none"];

    private static readonly string[] DeepTests =
        ["postscreen_pipelining_enable = yes", "postscreen_non_smtp_command_enable = yes", "postscreen_bare_newline_enable = yes"];

    private readonly Certificates _certificates = new();
    private readonly IMailServer? _server;
    private readonly Nginx? _front; // before the host's Postfix
    private readonly string _trace = "";

    /// <param name="name">One of <see cref="Servers"/>.</param>
    /// <param name="parameters">More lines of main.cf or postern.cf.</param>
    public Scene(string name, params string[] parameters)
    {
        var (server, announcement) = (name.Split(' ')[0], name.Split(' ')[1]);
        try
        {
            if (server == "nginx")
            {
                var backend = MailHost.FreePort();
                var nginx = new Nginx(backend, knowsProxy: true);
                _front = nginx;
                DirectPort = nginx.DirectPort;
                Host = MailHost.WithPostfixAnd(
                    $"127.0.0.1:{backend} inet n - n - - smtpd -o smtpd_authorized_xclient_hosts=127.0.0.1\n",
                    [.. _certificates.Settings, .. DeepTests, .. Relay(nginx.Port, announcement), .. parameters]);
                _trace = @"client=unknown\[CLIENT\]";
                return;
            }

            if (server == "Postfix")
            {
                var port = MailHost.FreePort();
                DirectPort = MailHost.FreePort();
                var option = announcement == "xclient" ? "smtpd_authorized_xclient_hosts=127.0.0.1" : "smtpd_upstream_proxy_protocol=haproxy";
                Host = MailHost.WithPostfixAnd(
                    $"127.0.0.1:{port} inet n - n - - smtpd -o {option}\n127.0.0.1:{DirectPort} inet n - n - - smtpd\n",
                    [.. _certificates.Settings, .. DeepTests, .. Relay(port, announcement), .. parameters]);
                _trace = @"client=unknown\[CLIENT\]";
                return;
            }

            _server = server switch
            {
                "Exim" => Exim.Start(_certificates),
                "OpenSMTPD" => OpenSmtpd.Start(_certificates),
                "Haraka" => Haraka.Start(announcement, _certificates),
                _ => new SmtpSink(),
            };
            DirectPort = _server.DirectPort;
            Host = MailHost.Alone(null, [.. _certificates.Settings, .. DeepTests, .. Relay(_server.Port, _server.Announcement), .. parameters]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public MailHost Host { get; } = null!;

    /// <summary>Where clients other than 127.0.0.1 may talk to the server without Postern.</summary>
    public int DirectPort { get; }

    /// <summary>The mails that have arrived.</summary>
    public IReadOnlyList<string> Mails => _server?.Mails ?? Host.Mails;

    /// <summary>What the server logged.</summary>
    public string ServerLog => _server?.Log ?? Host.Log;

    /// <summary>What authorities vouch for the servers.</summary>
    public string RootFile => _certificates.RootFile;

    /// <summary>A regular expression for what the server logs of a client that has delivered a mail; empty: it has no log.</summary>
    public string Trace(string client)
    {
        var address = System.Text.RegularExpressions.Regex.Escape(client);
        return _server is null ? _trace.Replace("CLIENT", address, StringComparison.Ordinal) : _server.Trace(address);
    }

    public void Dispose()
    {
        Host?.Dispose();
        _server?.Dispose();
        _front?.Dispose();
        _certificates.Dispose();
    }

    private static string[] Relay(int port, string announcement) => [$"postern_handoff = relay:tcp:127.0.0.1:{port}", $"postern_relay_announce = {announcement}"];
}
