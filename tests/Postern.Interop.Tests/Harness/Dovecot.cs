namespace Postern.Interop.Tests.Harness;

/// <summary>
/// Dovecot's submission server, which passes mail of users on to another server once they have said who they are: joe, with the
/// password secret. It knows both versions of the PROXY protocol on a listener of their own; XCLIENT it goes by the connection for.
/// </summary>
internal sealed class Dovecot : IMailServer
{
    private readonly Overlaid _overlaid = new("dovecot", ["dovecot", "dovenull", "joe"]);
    private readonly SmtpSink _behind = new();

    /// <param name="announcement">How it is told of clients: decides which listener <see cref="Port"/> is.</param>
    public Dovecot(string announcement, bool hasProxyListener = true)
    {
        Announcement = announcement;
        _overlaid.MakeDirectory("joe", "65502");
        _overlaid.Write("dovecot.conf", $$"""
            protocols = submission
            base_dir = {{_overlaid.Path}}/run
            state_dir = {{_overlaid.Path}}/state
            log_path = /dev/stderr
            auth_verbose = yes
            ssl = no
            disable_plaintext_auth = no
            login_trusted_networks = 127.0.0.1
            haproxy_trusted_networks = 127.0.0.1
            submission_relay_host = 127.0.0.1
            submission_relay_port = {{_behind.Port}}
            hostname = dovecot.lab.example
            first_valid_uid = 1
            mail_location = maildir:{{_overlaid.Path}}/joe
            service submission-login {
              inet_listener submission {
                address = 127.0.0.1
                port = {{Port}}
                haproxy = {{(hasProxyListener ? "yes" : "no")}}
              }
              inet_listener direct {
                address = 127.0.0.1
                port = {{DirectPort}}
              }
            }
            passdb {
              driver = static
              args = user=joe password=secret
            }
            userdb {
              driver = static
              args = uid=65502 gid=65502 home={{_overlaid.Path}}/joe
            }

            """);
        _overlaid.Start("exec dovecot -F -c \"$0/dovecot.conf\"", DirectPort);
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort { get; } = MailHost.FreePort();

    public string Announcement { get; }

    public string Log => _overlaid.Output;

    public IReadOnlyList<string> Mails => _behind.Mails;

    public string Trace(string client) => $@"submission-login: Info: Login: user=<joe>, .*rip={client},";

    public void Dispose()
    {
        _overlaid.Dispose();
        _behind.Dispose();
    }
}
