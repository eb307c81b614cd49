using System.Diagnostics;

namespace Postern.Bench;

/// <summary>Writes one configuration for both: the same main.cf and master.cf, apart from the folders and the port.</summary>
internal static class MailConfiguration
{
    /// <summary>Clients with these source addresses are permitted by the access list.</summary>
    public const string PermittedClients = "127.2.0.1-127.2.15.250";

    /// <summary>The lines of postern.cf.</summary>
    public const string Handoff = "postern_handoff = pass:private/smtpd\n";

    /// <summary>Makes the folders and files of an instance in <paramref name="folder"/>, which must be empty.</summary>
    /// <param name="greetWait">Seconds.</param>
    /// <param name="settings">Further lines of main.cf, which override those above them; FOLDER stands for <paramref name="folder"/>.</param>
    public static void Write(string folder, int port, int greetWait, IReadOnlyList<string> settings)
    {
        foreach (var name in (string[])["config", "data", "queue/pid", "queue/private", "queue/public"])
            Directory.CreateDirectory(Path.Combine(folder, name));
        Own("postfix:", "0700", folder, "data", "queue/private");
        Own("postfix:postdrop", "0710", folder, "queue/public");

        // The limits are far above what is needed: neither server is to refuse a client. The listening queue of
        // Postfix has the length of default_process_limit.
        File.WriteAllText(Path.Combine(folder, "config/main.cf"), $"""
            compatibility_level = 3.6
            queue_directory = {folder}/queue
            data_directory = {folder}/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            maillog_file = {folder}/maillog
            maillog_file_prefixes = {folder}
            myhostname = mail.bench.example
            mydestination =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 192.0.2.0/24
            default_process_limit = 30000
            postscreen_pre_queue_limit = 30000
            postscreen_post_queue_limit = 30000
            postscreen_client_connection_count_limit = 0
            postscreen_access_list = permit_mynetworks, cidr:{folder}/config/access.cidr
            postscreen_cache_map = btree:{folder}/data/postscreen_cache
            postscreen_greet_wait = {greetWait}s
            postscreen_greet_action = drop
            {string.Join('\n', settings).Replace("FOLDER", folder, StringComparison.Ordinal)}

            """);
        File.WriteAllText(Path.Combine(folder, "config/master.cf"), $"""
            127.0.0.1:{port} inet n - n - 1 postscreen
            postlog unix-dgram n - n - 1 postlogd
            dnsblog unix - - n - 0 dnsblog
            tlsproxy unix - - n - 0 tlsproxy
            tlsmgr unix - - n 1000? 1 tlsmgr

            """);
        // The stand-in listens where Postfix's smtpd would. That is not in master.cf: the master would listen there itself.
        File.WriteAllText(Path.Combine(folder, "config/postern.cf"), Handoff);
        File.WriteAllText(Path.Combine(folder, "config/access.cidr"), "127.2.0.0/16 permit\n");
        File.WriteAllText(Path.Combine(folder, "config/ecdsa.pem"), Certificate.Ecdsa());
        File.WriteAllText(Path.Combine(folder, "config/rsa.pem"), Certificate.Rsa());
    }

    private static void Own(string owner, string mode, string folder, params string[] names)
    {
        foreach (var name in names)
        {
            Run("chown", owner, Path.Combine(folder, name));
            Run("chmod", mode, Path.Combine(folder, name));
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed");
    }
}
