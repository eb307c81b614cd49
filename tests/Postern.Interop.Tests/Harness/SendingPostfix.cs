namespace Postern.Interop.Tests.Harness;

/// <summary>
/// A Postfix that sends: what it takes in on its own port goes to one <see cref="MailHost"/>, and what is told to come
/// back later is tried again within a second or two.
/// </summary>
internal sealed class SendingPostfix : IDisposable
{
    /// <summary>Where it comes from when it connects to the mail host.</summary>
    public const string Address = "127.0.5.60";

    private readonly string _directory = Directory.CreateTempSubdirectory("postern-sender-").FullName;

    /// <param name="port">Of the mail host.</param>
    /// <param name="parameters">More lines of main.cf.</param>
    public SendingPostfix(int port, params string[] parameters)
    {
        Port = MailHost.FreePort();
        foreach (var folder in (string[])["config", "queue", "data", "log"])
            Directory.CreateDirectory(Path.Combine(_directory, folder));
        Tool.Must("chmod", "0755", _directory);
        Tool.Must("chown", MailHost.Owner, Path.Combine(_directory, "data"));
        File.WriteAllText(Path.Combine(_directory, "config/main.cf"), $"""
            compatibility_level = 3.6
            queue_directory = {_directory}/queue
            data_directory = {_directory}/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = {MailHost.Owner}
            setgid_group = postdrop
            maillog_file = {_directory}/log/maillog
            maillog_file_prefixes = {_directory}
            myhostname = sender.lab.example
            mydestination =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.1/32
            local_recipient_maps =
            alias_maps =
            alias_database =
            smtpd_peername_lookup = no
            smtpd_client_connection_count_limit = 0
            relayhost = [127.0.0.1]:{port}
            smtp_bind_address = {Address}
            smtp_tls_loglevel = 1
            minimal_backoff_time = 1s
            maximal_backoff_time = 2s
            queue_run_delay = 1s
            {string.Join('\n', parameters)}

            """);
        File.WriteAllText(Path.Combine(_directory, "config/master.cf"), $"""
            127.0.0.1:{Port} inet n - n - - smtpd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 1 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error
            tlsmgr unix - - n 1000? 1 tlsmgr
            anvil unix - - n - 1 anvil
            postlog unix-dgram n - n - 1 postlogd

            """);
        Tool.Must("postfix", "-c", Path.Combine(_directory, "config"), "start");
    }

    /// <summary>Where it takes mail in, on 127.0.0.1, for anybody.</summary>
    public int Port { get; }

    /// <summary>What it logged so far.</summary>
    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    private string LogFile => Path.Combine(_directory, "log/maillog");

    public void Dispose()
    {
        _ = Tool.Run("postfix", "-c", Path.Combine(_directory, "config"), "stop");
        try
        {
            Directory.Delete(_directory, recursive: true);
        }
        catch (IOException)
        {
            // A daemon that is about to end may still write; the directory is in /tmp.
        }
    }
}
