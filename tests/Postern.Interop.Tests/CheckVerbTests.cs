using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary><c>postern check</c> beside <c>postern serve</c> on a machine in trouble: what serve says at its start and at a client, check has said.</summary>
[Collection(nameof(InteropCollection))]
public sealed partial class CheckVerbTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-check-").FullName;
    private readonly int _port = FreePort();
    private readonly List<IDisposable> _others = [];

    public static TheoryData<string, string> Troubles => new()
    {
        { "the port is taken", "cannot listen on " },
        { "the page's port is taken", "postern_http: cannot listen on " },
        { "data_directory is a file", "data_directory " },
        { "the allowlist is somebody else's", "open database " },
        { "the allowlist's folder is root's", "request to update table " },
        { "memcached is down", "connect to 127.0.0.1:" },
        { "the event log's folder is missing", "open postern_event_log " },
        { "the control socket is a file", "postern_control_socket: " },
        { "the mail log's folder is missing", "open maillog_file " },
        { "the Maildir cannot be made", "cannot use maildir " },
        { "there is no certificate", "" },
        { "nobody takes clients", "cannot connect to service private/smtpd: " },
        { "the server has ended", "cannot connect to service private/smtpd: Connection refused" },
        { "the relay target is down", "relay target tcp:127.0.0.1:" },
        { "mynetworks has host bits", "mynetworks lookup error" },
        { "a table is missing", "table lookup error" },
        { "a table's server is down", "table lookup error" },
        { "a socketmap's server is down", "table lookup error" },
        { "a rule says OK", "unknown command: OK" },
        { "a byte order mark", "byte order mark" },
    };

    public void Dispose()
    {
        _others.ForEach(static other => other.Dispose());
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public void What_serve_says_check_has_said(string trouble, string expected)
    {
        Tool.RequireRoot();
        LayOut(trouble);

        var (_, said) = PosternProcess.Run("check", "-c", At("config"));
        var log = Serve();

        var complaints = Complaint().Matches(log).Select(static match => match.Groups[1].Value.TrimEnd()).Distinct()
            .Where(static text => !text.EndsWith("entries could not be saved", StringComparison.Ordinal)).ToList(); // at the end, how many
        Assert.True(complaints.Exists(text => text.Contains(expected, StringComparison.Ordinal)) || expected.Length == 0, $"serve said: {log}\ncheck said: {said}");
        Assert.All(complaints, text => Assert.Contains(Normal(text), Normal(said), StringComparison.Ordinal));
        Assert.DoesNotContain("are fine", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_that_runs_is_in_nobodys_way()
    {
        using var host = MailHost.Alone();

        var (status, said) = PosternProcess.Run("check", "-c", host.ConfigDirectory);

        Assert.Equal(0, status);
        Assert.Contains("main.cf and master.cf are fine: ", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_allowlist_is_said_and_so_is_what_becomes_of_it()
    {
        Tool.RequireRoot();
        LayOut("nobody takes clients");
        File.WriteAllText(At("data/cache.postern.db"), new string('x', 10_000));
        Tool.Must("chown", MailHost.Owner, At("data/cache.postern.db"));

        var (_, said) = PosternProcess.Run("check", "-c", At("config"));

        Assert.Matches($@"/main\.cf:\d+: warning: {At("data/cache.postern.db")} is damaged \(file is not a database\)\n.*renames it to .*\.damaged-TIME and begins a new one", said);
        Assert.True(File.Exists(At("data/cache.postern.db")));
    }

    [Fact]
    public void A_wildcard_and_an_address_on_one_port_are_served_apart_as_by_Postfix()
    {
        Tool.RequireRoot();
        LayOut("nobody takes clients");
        File.WriteAllText(
            At("config/master.cf"), $"{_port} inet n - n - 1 postscreen -o myhostname=wild.example\n127.0.0.1:{_port} inet n - n - 1 postscreen -o myhostname=specific.example\n");

        var (_, said) = PosternProcess.Run("check", "-c", At("config"));
        using var postern = PosternProcess.Serve(At("config"));
        Wait.Until(() => SmtpTalk.IsOpen(_port) || postern.HasEnded, () => postern.Output);

        Assert.Contains($"service {_port} listens on [0.0.0.0]:{_port} but not on [127.0.0.1]:{_port}", said, StringComparison.Ordinal);
        Assert.Equal("220-specific.example ESMTP Postfix", Greeting("127.0.0.1"));
        Assert.Equal("220-wild.example ESMTP Postfix", Greeting("127.0.0.2"));
        postern.Stop();

        string? Greeting(string address)
        {
            using var client = new TcpClient(address, _port);
            using var reader = new StreamReader(client.GetStream());
            return reader.ReadLine();
        }
    }

    private void LayOut(string trouble)
    {
        foreach (var folder in (string[])["config", "queue/private", "data", "log"])
            Directory.CreateDirectory(At(folder));
        Tool.Must("chmod", "0755", _directory);
        Tool.Must("chown", MailHost.Owner, At("data"), At("queue/private"));
        var main = new List<string>
        {
            "compatibility_level = 3.6", "myhostname = mail.lab.example", "inet_protocols = ipv4", $"mail_owner = {MailHost.Owner}", "setgid_group = nogroup",
            $"queue_directory = {At("queue")}", $"data_directory = {At("data")}", $"maillog_file = {At("log/maillog")}", $"maillog_file_prefixes = {_directory}",
            "mynetworks = 127.0.0.0/8", "postscreen_greet_wait = 1s", "postscreen_cache_map = btree:$data_directory/cache", "smtpd_tls_security_level = none", "postscreen_access_list =",
        };
        var (pass, needsServer) = ("smtpd pass - - n - - smtpd\n", true);
        switch (trouble)
        {
            case "the port is taken": Listen(_port); break;
            case "the page's port is taken": main.Add($"postern_http = 127.0.0.1:{Listen(FreePort())}"); break;
            case "data_directory is a file": File.WriteAllText(At("file"), ""); Set($"data_directory = {At("file")}"); break;
            case "the allowlist is somebody else's": File.WriteAllText(At("data/cache.postern.db"), ""); Tool.Must("chmod", "0600", At("data/cache.postern.db")); break;
            case "the allowlist's folder is root's": Set($"postscreen_cache_map = btree:{At("log")}/cache"); break;
            case "memcached is down": File.WriteAllText(At("config/mc"), $"memcache = inet:127.0.0.1:{FreePort()}\n"); Set($"postscreen_cache_map = memcache:{At("config/mc")}"); break;
            case "the event log's folder is missing": main.Add("postern_event_log = /nonexistent/events"); break;
            case "the control socket is a file": File.WriteAllText(At("file"), "x"); main.Add($"postern_control_socket = {At("file")}"); break;
            case "the mail log's folder is missing": Set($"maillog_file = {At("none")}/maillog"); break;
            case "the Maildir cannot be made": (pass, needsServer) = ("", false); main.Add($"postern_receiver_maildir = {At("log")}/maildir"); break;
            case "there is no certificate": Set("smtpd_tls_security_level = may"); main.Add("smtpd_tls_cert_file = /nonexistent.pem"); break;
            case "nobody takes clients": needsServer = false; break;
            case "the server has ended": _others.Add(Server(listens: false)); needsServer = false; break;
            case "the relay target is down": (pass, needsServer) = ("", false); main.Add($"postern_handoff = relay:tcp:127.0.0.1:{FreePort()}"); break;
            case "mynetworks has host bits": Set("mynetworks = 127.0.0.1/8"); Set("postscreen_access_list = permit_mynetworks"); break;
            case "a table is missing": Set("postscreen_access_list = cidr:/nonexistent"); break;
            case "a table's server is down": Set($"postscreen_access_list = tcp:127.0.0.1:{FreePort()}"); break;
            case "a socketmap's server is down": Set($"postscreen_access_list = socketmap:unix:{At("none")}:clients"); break;
            case "a rule says OK": File.WriteAllText(At("config/acl"), "127.0.0.0/8 OK\n"); Set($"postscreen_access_list = cidr:{At("config/acl")}"); break;
            case "a byte order mark": main[0] = "\xef\xbb\xbf# text"; break;
            default: Assert.Fail(trouble); break;
        }

        if (needsServer)
            _others.Add(Server());
        File.WriteAllText(At("config/main.cf"), string.Join('\n', main) + "\n", System.Text.Encoding.Latin1);
        File.WriteAllText(At("config/master.cf"), $"127.0.0.1:{_port} inet n - n - 1 postscreen\n{pass}");

        void Set(string line) => main[main.FindIndex(other => other.Split(' ')[0] == line.Split(' ')[0])] = line;
    }

    /// <summary>Starts, has a client wait for its greeting and leave, and stops.</summary>
    /// <returns>All that was written.</returns>
    private string Serve()
    {
        using var postern = PosternProcess.Serve(At("config"));
        Wait.Until(() => postern.HasEnded || Log().Contains(": ready: ", StringComparison.Ordinal) || postern.Output.Contains(": ready: ", StringComparison.Ordinal), () => $"it does not start: {postern.Output}{Log()}");
        if (!postern.HasEnded)
        {
            using var client = new SmtpTalk(_port, "127.0.0.1");
            Wait.Until(() => Log().Contains("PASS NEW", StringComparison.Ordinal) || postern.Output.Contains("PASS NEW", StringComparison.Ordinal), () => $"the client does not pass: {postern.Output}{Log()}");
            postern.Stop();
        }

        return Log() + postern.Output;

        string Log() => File.Exists(At("log/maillog")) ? File.ReadAllText(At("log/maillog")) : "";
    }

    private int Listen(int port)
    {
        var other = new TcpListener(IPAddress.Loopback, port);
        other.Start();
        _others.Add(other);
        return port;
    }

    private Socket Server(bool listens = true)
    {
        var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        server.Bind(new UnixDomainSocketEndPoint(At("queue/private/smtpd")));
        if (listens)
            server.Listen(10);
        Tool.Must("chmod", "0666", At("queue/private/smtpd"));
        return server;
    }

    private string At(string name) => Path.Combine(_directory, name);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    // Whose record it was, and the library's words for what the system has said.
    private static string Normal(string text) => Reason().Replace(Key().Replace(text, "$1…"), "$1…");

    [GeneratedRegex(": (?:warning|error|fatal): (.*)$", RegexOptions.Multiline)]
    private static partial Regex Complaint();

    [GeneratedRegex(@"(open database \S+: ).*", RegexOptions.Multiline)]
    private static partial Regex Reason();

    [GeneratedRegex(@"((?:cache lookup|could not update entry) for )\S+", RegexOptions.Multiline)]
    private static partial Regex Key();
}
