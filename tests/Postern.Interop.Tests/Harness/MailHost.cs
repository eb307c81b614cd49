using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests.Harness;

/// <summary>
/// A mail host in a directory of its own: the configuration, Postern in front, and behind it a private Postfix that has
/// everything but postscreen, or Postern's built-in receiver; or, to know what is right, that Postfix with its own
/// postscreen in front. Mail for lab.example ends up in one Maildir.
/// </summary>
internal sealed class MailHost : IDisposable
{
    private const string Services = """
        smtpd pass - - n - - smtpd
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        rewrite unix - - n - - trivial-rewrite
        bounce unix - - n - 0 bounce
        defer unix - - n - 0 bounce
        trace unix - - n - 0 bounce
        verify unix - - n - 1 verify
        flush unix n - n 1000? 0 flush
        proxymap unix - - n - - proxymap
        error unix - - n - - error
        retry unix - - n - - error
        discard unix - - n - - discard
        virtual unix - n n - - virtual
        anvil unix - - n - 1 anvil
        postlog unix-dgram n - n - 1 postlogd
        dnsblog unix - - n - 0 dnsblog
        tlsproxy unix - - n - 0 tlsproxy
        tlsmgr unix - - n 1000? 1 tlsmgr

        """;

    private readonly bool _hasPostfix;
    private readonly Front _front;
    private string _moreServices = "";
    private string? _resolvConf;
    private bool _postfixRuns;
    private PosternProcess? _postern;

    private MailHost(bool hasPostfix, Front front = Front.Postern)
    {
        (_hasPostfix, _front) = (hasPostfix, front);
        Directory = System.IO.Directory.CreateTempSubdirectory("postern-interop-").FullName;
        Port = FreePort();
        foreach (var folder in (string[])["config", "postfix", "queue", "data", "log", "mail"])
            System.IO.Directory.CreateDirectory(Path.Combine(Directory, folder));
        if (!Tool.IsRoot)
            return;
        Tool.Must("chmod", "0755", Directory);
        // postsuper(1) becomes mail_owner before it opens the log, and ends without one: what an unlucky stop left behind in
        // the queue would keep Postfix from starting again.
        File.WriteAllText(Path.Combine(Directory, "log/maillog"), "");
        Tool.Must("chmod", "666", Path.Combine(Directory, "log/maillog"));
        Tool.Must("chown", Owner, Path.Combine(Directory, "data"), Path.Combine(Directory, "mail"));
    }

    /// <summary>Whom Postern becomes when it is started as root.</summary>
    public static string Owner { get; } = !Tool.IsRoot ? Environment.UserName
        : File.ReadLines("/etc/passwd").Any(static line => line.StartsWith("postfix:", StringComparison.Ordinal)) ? "postfix" : "nobody";

    public string Directory { get; }

    /// <summary>Where clients are screened, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Where a real postscreen listens, on 127.0.0.1; 0: there is none.</summary>
    public int PostscreenPort { get; private init; }

    public PosternProcess Postern => _postern ?? throw new InvalidOperationException("Postern was not started");

    public string ConfigDirectory => Path.Combine(Directory, "config");

    public string DataDirectory => Path.Combine(Directory, "data");

    public string Maildir => Path.Combine(Directory, _hasPostfix ? "mail/box" : "data/maildir");

    /// <summary>What everybody logged so far.</summary>
    public string Log
    {
        get
        {
            var path = Path.Combine(Directory, "log/maillog");
            if (!File.Exists(path))
                return "";
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), System.Text.Encoding.Latin1);
            return reader.ReadToEnd();
        }
    }

    /// <summary>Its last lines, for the message of a test that fails.</summary>
    public string LogEnd => Log is { Length: > 4000 } log ? log[^4000..] : Log;

    /// <summary>The mails that have arrived, as text.</summary>
    public IReadOnlyList<string> Mails => System.IO.Directory.Exists(Path.Combine(Maildir, "new"))
        ? [.. System.IO.Directory.EnumerateFiles(Path.Combine(Maildir, "new")).Select(File.ReadAllText)]
        : [];

    public int MailCount => System.IO.Directory.Exists(Path.Combine(Maildir, "new")) ? System.IO.Directory.EnumerateFiles(Path.Combine(Maildir, "new")).Count() : 0;

    /// <summary>Real Postfix behind Postern; both run when this returns. Skips the test where that cannot be.</summary>
    /// <param name="parameters">Lines of main.cf, which replace the harness's own.</param>
    public static MailHost WithPostfix(params string[] parameters) => Behind(Front.Postern, parameters);

    /// <summary>The same, with more services.</summary>
    /// <param name="services">Lines of Postfix's master.cf.</param>
    /// <param name="parameters">Lines of main.cf, which replace the harness's own.</param>
    public static MailHost WithPostfixAnd(string services, params string[] parameters) => StartBehind(Front.Postern, services, parameters);

    /// <summary>The same, with one or the other in front.</summary>
    public static MailHost Behind(Front front, params string[] parameters) => StartBehind(front, "", parameters);

    private static MailHost StartBehind(Front front, string services, string[] parameters)
    {
        Tool.RequireRoot();
        Tool.Require("postfix", "smtpd");
        var host = new MailHost(hasPostfix: true, front) { _moreServices = services };
        try
        {
            host.Configure(parameters);
            host.StartPostfix();
            if (front is Front.Postern)
                host.StartPostern();
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>Postfix with everything, its master starting the screening program too. Skips the test where that cannot be.</summary>
    /// <param name="services">Lines of master.cf; <c>PORT</c> stands for <see cref="Port"/>.</param>
    /// <param name="parameters">Lines of main.cf, which replace the harness's own.</param>
    public static MailHost UnderMaster(string[] services, params string[] parameters) => UnderMasterWith(null, services, parameters);

    /// <summary>The same with a resolver of its own.</summary>
    /// <param name="resolvConf">The text of a resolv.conf for all of it; null: the machine's own.</param>
    public static MailHost UnderMasterWith(string? resolvConf, string[] services, params string[] parameters)
    {
        Tool.RequireRoot();
        Tool.Require("postfix", "smtpd");
        var host = new MailHost(hasPostfix: true);
        try
        {
            // Copies, since Postfix complains of symlinks there.
            Tool.Must("cp", "-a", Path.GetDirectoryName(Tool.Find("smtpd"))!, host.DaemonDirectory);
            File.WriteAllText(Path.Combine(host.DaemonDirectory, "postern"), $"#!/bin/sh\nexec {string.Join(' ', PosternProcess.Command)} \"$@\"\n");
            Tool.Must("chmod", "0755", Path.Combine(host.DaemonDirectory, "postern"));
            host.ConfigureMaster(services, parameters);
            host.UseResolvConf(resolvConf);
            host.StartPostfix();
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>The same with a real postscreen beside Postern, on <see cref="PostscreenPort"/>.</summary>
    /// <param name="parameters">Lines of main.cf for both.</param>
    public static MailHost WithPostscreen(params string[] parameters)
    {
        Tool.RequireRoot();
        Tool.Require("postfix", "smtpd", "postscreen");
        var host = new MailHost(hasPostfix: true) { PostscreenPort = FreePort() };
        try
        {
            host.Configure(parameters);
            File.AppendAllText(Path.Combine(host.Directory, "postfix/master.cf"), $"127.0.0.1:{host.PostscreenPort} inet n - n - 1 postscreen\n");
            host.StartPostfix();
            host.StartPostern();
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>No Postfix: Postern and its built-in receiver.</summary>
    /// <param name="resolvConf">The text of a resolv.conf for Postern alone; null: the machine's own.</param>
    public static MailHost Alone(string? resolvConf = null, params string[] parameters)
    {
        var host = new MailHost(hasPostfix: false);
        try
        {
            host.Configure(parameters);
            host.UseResolvConf(resolvConf);
            host.StartPostern();
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>What is started from now on has a resolver of its own.</summary>
    /// <param name="text">In place of /etc/resolv.conf; null: the machine's own stays.</param>
    public void UseResolvConf(string? text)
    {
        if (text is not null)
            File.WriteAllText(_resolvConf = Path.Combine(Directory, "resolv.conf"), text);
    }

    /// <summary>Writes main.cf, master.cf and postern.cf.</summary>
    public void Configure(params string[] parameters)
    {
        var own = parameters.Select(NameOf).ToHashSet();
        string[] receiver = _hasPostfix ? [] : ["postern_handoff = receiver", "postern_receiver_domains = lab.example"];
        var posterns = receiver.Where(line => !own.Contains(NameOf(line))).Concat(parameters.Where(IsPosterns));
        var main = Lines(Defaults().Where(line => !own.Contains(NameOf(line))).Concat(parameters.Where(line => !IsPosterns(line))));
        var screening = $"127.0.0.1:{Port} inet n - n - 1 postscreen\n";
        File.WriteAllText(Path.Combine(ConfigDirectory, "main.cf"), main);
        File.WriteAllText(Path.Combine(ConfigDirectory, "master.cf"), screening + Services);
        File.WriteAllText(Path.Combine(ConfigDirectory, "postern.cf"), Lines(posterns));
        if (!_hasPostfix)
            return;
        File.WriteAllText(Path.Combine(Directory, "postfix/main.cf"), main);
        File.WriteAllText(Path.Combine(Directory, "postfix/master.cf"), (_front is Front.Postscreen ? screening + Services : Services) + _moreServices);

        static string Lines(IEnumerable<string> lines) => string.Concat(lines.Select(static line => line + "\n"));
        static bool IsPosterns(string line) => line.StartsWith("postern_", StringComparison.Ordinal);
    }

    /// <summary>Writes main.cf and master.cf of a Postfix that has the screening services itself.</summary>
    public void ConfigureMaster(string[] services, params string[] parameters)
    {
        Configure([.. parameters, $"daemon_directory = {DaemonDirectory}"]);
        File.Copy(Path.Combine(ConfigDirectory, "postern.cf"), Path.Combine(Directory, "postfix/postern.cf"), overwrite: true);
        File.WriteAllText(
            Path.Combine(Directory, "postfix/master.cf"),
            string.Join('\n', services).Replace("PORT", $"127.0.0.1:{Port}", StringComparison.Ordinal) + "\n" + Services);
    }

    /// <summary><c>postfix reload</c>.</summary>
    public void ReloadPostfix()
    {
        var before = Count("]: reload -- version");
        Tool.Must("postfix", "-c", Path.Combine(Directory, "postfix"), "reload");
        Wait.Until(() => Count("]: reload -- version") > before, () => "Postfix does not reload: " + Log);
    }

    /// <summary>The processes that master(8) started for the line of this program and port, their children included.</summary>
    public IReadOnlyList<int> ProcessesOf(string program) =>
    [
        .. from folder in System.IO.Directory.GetDirectories("/proc")
           where int.TryParse(Path.GetFileName(folder), out _) && CommandLine(folder) is { } words
               && words.Contains($"127.0.0.1:{Port}") && words.Any(word => word == program || word.EndsWith("/" + program, StringComparison.Ordinal) || word.EndsWith($"/{program}.dll", StringComparison.Ordinal))
           select int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture),
    ];

    /// <summary>Adds a file beside main.cf.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, string text)
    {
        var path = Path.Combine(ConfigDirectory, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void StartPostfix()
    {
        var start = Tool.WithResolvConf(_resolvConf, ["postfix", "-c", Path.Combine(Directory, "postfix"), "start"]);
        Tool.Must(start[0], start.AsSpan(1).ToArray());
        _postfixRuns = true;
        Wait.Until(() => File.Exists(Path.Combine(Directory, "queue/private/smtpd")), () => "Postfix did not start: " + Log);
    }

    public void StopPostfix()
    {
        Tool.Must("postfix", "-c", Path.Combine(Directory, "postfix"), "stop");
        _postfixRuns = false;
    }

    /// <summary>Starts Postern (again) and waits until it accepts.</summary>
    public void StartPostern()
    {
        _postern?.Dispose();
        var readyLines = Count("]: ready: ");
        _postern = PosternProcess.Serve(ConfigDirectory, _resolvConf);
        Wait.Until(() => Postern.HasEnded || Count("]: ready: ") > readyLines, () => $"Postern did not start: {Postern.Output}\n{Log}");
        Assert.False(Postern.HasEnded, $"Postern ended: {Postern.Output}\n{Log}");
    }

    /// <summary>SIGHUP, and waits until it is through with it.</summary>
    public void Reload()
    {
        var before = Count("]: reload: ") + Count(" reload: ");
        Postern.Reload();
        Wait.Until(() => Count("]: reload: ") + Count(" reload: ") > before, () => "no reload: " + Log);
    }

    public void WaitForLog(string text) => Wait.Until(() => Log.Contains(text, StringComparison.Ordinal), () => $"no '{text}' in the log:\n{Log}");

    /// <summary>How often a text is in the log.</summary>
    public int Count(string text) => Regex.Count(Log, Regex.Escape(text));

    public SmtpTalk Connect(string from = "127.0.0.1") => new(Port, from);

    /// <summary>Waits until this many mails are in the Maildir.</summary>
    public void WaitForMails(int count) => Wait.Until(() => MailCount >= count, () => $"{MailCount} of {count} mails have arrived. The log ends:\n{LogEnd}", TimeSpan.FromMinutes(2));

    public void Dispose()
    {
        _postern?.Dispose();
        if (_postfixRuns)
            _ = Tool.Run("postfix", "-c", Path.Combine(Directory, "postfix"), "stop");
        try
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
        catch (IOException)
        {
            // A daemon that is about to end may still write; the directory is in /tmp.
        }
    }

    public static int FreePort() => FreePort(SocketType.Stream);

    public static int FreeUdpPort() => FreePort(SocketType.Dgram);

    private static int FreePort(SocketType type)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private string DaemonDirectory => Path.Combine(Directory, "daemons");

    private static string[]? CommandLine(string processFolder)
    {
        try
        {
            return File.ReadAllText(processFolder + "/cmdline").Split('\0');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string NameOf(string line) => line.Split('=')[0].Trim();

    private string[] Defaults() =>
    [
        "compatibility_level = 3.6",
        $"queue_directory = {Directory}/queue",
        $"data_directory = {Directory}/data",
        "command_directory = /usr/sbin",
        "daemon_directory = /usr/lib/postfix/sbin",
        $"mail_owner = {Owner}",
        "setgid_group = postdrop",
        $"maillog_file = {Directory}/log/maillog",
        $"maillog_file_prefixes = {Directory}",
        "maillog_file_permissions = 0644",
        "myhostname = mail.lab.example",
        "mydomain = lab.example",
        "mydestination =",
        "inet_interfaces = 127.0.0.1",
        "inet_protocols = ipv4",
        "mynetworks = 127.0.0.99/32",
        "smtpd_banner = $myhostname ESMTP",
        "smtpd_peername_lookup = no",
        "smtpd_relay_restrictions = reject_unauth_destination",
        "smtpd_client_connection_count_limit = 0",
        "local_recipient_maps =",
        "alias_maps =",
        "alias_database =",
        "virtual_mailbox_domains = lab.example",
        $"virtual_mailbox_base = {Directory}/mail",
        "virtual_mailbox_maps = static:box/",
        "virtual_minimum_uid = 1",
        "virtual_uid_maps = static:" + (Tool.IsRoot && _hasPostfix ? Tool.Must("id", "-u", "postfix").Trim() : "1"),
        "virtual_gid_maps = static:" + (Tool.IsRoot && _hasPostfix ? Tool.Must("id", "-g", "postfix").Trim() : "1"),
        "smtputf8_enable = no",
        "smtpd_tls_security_level = none",
        "postscreen_greet_wait = 1s",
        "postscreen_cache_map = btree:$data_directory/postscreen_cache",
    ];
}
