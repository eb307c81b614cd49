using System.Text.RegularExpressions;
using Postern.Core.Config;

namespace Postern.Interop.Tests;

/// <summary>
/// Whoever broke into the daemon is mail_owner, and waits for the next start as root with something else in the place of a
/// file (ADR 13). Whatever it is, it stays as it is, root waits for nothing, and mail is screened.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed class RootFilesTests : IDisposable
{
    private const string Secret = "of-root-alone";
    private const string Stranger = "daemon";
    private static readonly string[] Speakers = ["smtpd_tls_", "tlsproxy_tls_", "postscreen_tls_"];

    /// <summary>What becomes of the path that a parameter names. A parameter that names one needs a row.</summary>
    private static readonly Dictionary<string, Use> Paths = new(Speakers.SelectMany(static speaker => (KeyValuePair<string, Use>[])
    [
        new(speaker + "CAfile", Use.ReadByRoot),
        new(speaker + "cert_file", Use.ReadByRoot),
        new(speaker + "chain_files", Use.ReadByRoot),
        new(speaker + "eccert_file", Use.ReadByRoot),
        new(speaker + "eckey_file", Use.ReadByRoot),
        new(speaker + "key_file", Use.ReadByRoot),
    ]))
    {
        ["maillog_file"] = Use.NeededByRoot,
        ["postern_relay_tls_CAfile"] = Use.NeededByRoot,
        ["postern_event_log"] = Use.WrittenByRoot,
        ["mynetworks"] = Use.ReadByRoot,
        ["postern_rdns_generic_maps"] = Use.ReadByRoot,
        ["postern_rdns_server_maps"] = Use.ReadByRoot,
        ["postscreen_access_list"] = Use.ReadByRoot,
        ["postscreen_command_filter"] = Use.ReadByRoot,
        ["postscreen_discard_ehlo_keyword_address_maps"] = Use.ReadByRoot,
        ["postscreen_dnsbl_reply_map"] = Use.ReadByRoot,
        ["postscreen_reject_footer_maps"] = Use.ReadByRoot,
        ["postern_control_socket"] = Use.KeptByOwner,
        ["postern_http_access_file"] = Use.KeptByOwner,
        ["postern_receiver_maildir"] = Use.KeptByOwner,
        ["postscreen_cache_map"] = Use.KeptByOwner,
        ["data_directory"] = Use.Elsewhere, // A_data_directory_that_leads_elsewhere…
        ["postern_http_token_file"] = Use.Elsewhere, // read by the page as mail_owner: TokenFileTests
        ["daemon_directory"] = Use.Elsewhere, // Postfix's; check looks for names in there and opens none
        ["queue_directory"] = Use.Elsewhere, // Postfix's; sockets in there are connected to, after root was given up
        ["config_directory"] = Use.Elsewhere, // given on the command line; its files are read as tables are
        ["maillog_file_prefixes"] = Use.Elsewhere, // no path
    };

    private readonly MailHost _host;

    public RootFilesTests()
    {
        Tool.RequireRoot();
        _host = MailHost.Alone();
        Assert.Equal(0, _host.Postern.Stop());
    }

    private enum Use
    {
        WrittenByRoot,
        ReadByRoot,
        NeededByRoot, // or the start ends
        KeptByOwner,
        Elsewhere,
    }

    public void Dispose() => _host?.Dispose();

    [Fact]
    public void Every_parameter_that_names_a_path_has_a_row()
    {
        var looksLikeOne = Parameters.All.Where(static row => row.Kind is ParameterKind.Text && row.Use is ParameterUse.Used or ParameterUse.Default
            && (Regex.IsMatch(row.Name, "_(files?|directory|maildir|socket|log|CAfile|CApath|path|maps?|access_list)$")
                || row.Default.StartsWith('/') || Regex.IsMatch(row.Default, @"\$(data|queue|config)_directory/"))).Select(static row => row.Name)
            // Defaults of others, which have their rows.
            .Except(["smtpd_discard_ehlo_keyword_address_maps", "smtpd_reject_footer_maps"]).ToList();

        Assert.Empty(looksLikeOne.Except(Paths.Keys));
        Assert.All(Paths.Keys, static name => Assert.NotNull(Parameters.Find(name)));
    }

    [Theory]
    [InlineData("link", "smtpd_tls_", "btree")]
    [InlineData("link", "tlsproxy_tls_", "lmdb")]
    [InlineData("pipe", "tlsproxy_tls_", "btree")]
    [InlineData("pipe", "postscreen_tls_", "lmdb")]
    [InlineData("foreign", "smtpd_tls_", "lmdb")]
    [InlineData("folder", "postscreen_tls_", "btree")]
    [InlineData("second name", "smtpd_tls_", "btree")]
    public void Whatever_lies_in_the_place_of_a_file_stays_as_it_is_and_nobody_waits(string trap, string speaker, string cache)
    {
        var isChain = cache == "lmdb"; // which stands in place of the other files
        var names = Paths.Where(row => row.Value is Use.WrittenByRoot or Use.ReadByRoot or Use.KeptByOwner).Select(static row => row.Key)
            .Where(name => !Speakers.Any(name.StartsWith) || (name.StartsWith(speaker, StringComparison.Ordinal) && (name.EndsWith("CAfile", StringComparison.Ordinal) || name.EndsWith("chain_files", StringComparison.Ordinal) == isChain))).ToList();
        var traps = names.ToDictionary(static name => name, name => Set(trap, name, cache));
        _host.Configure([.. names.Select(name => $"{name} = {Value(name, cache)}"), "postern_greet_wait_generic = 9s", "smtpd_tls_security_level = may"]);
        var before = traps.ToDictionary(static one => one.Key, static one => Describe(one.Value));

        _host.StartPostern();

        using (var client = _host.Connect())
            Assert.StartsWith("220", client.ReadLine(), StringComparison.Ordinal);
        foreach (var name in names)
        {
            var isTaken = trap == "foreign" ? Paths[name] is Use.ReadByRoot : name == "postern_receiver_maildir" && trap == "folder";
            if (!isTaken && name != "postern_http_access_file") // which is opened when somebody asks for it
                _host.WaitForLog(traps[name].Path);
        }

        Assert.Equal(0, _host.Postern.Stop());
        Assert.All(names, name => Assert.Equal((name, before[name]), (name, Describe(traps[name]))));
        Assert.DoesNotContain(Secret, _host.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("maillog_file", "link", "root does not follow a link")]
    [InlineData("maillog_file", "pipe", "No such device or address")] // nobody reads from it
    [InlineData("maillog_file", "foreign", "neither root nor mail_owner")]
    [InlineData("maillog_file", "folder", "Is a directory")]
    [InlineData("maillog_file", "second name", "2 names")]
    [InlineData("postern_relay_tls_CAfile", "link", "root does not follow a link")]
    [InlineData("postern_relay_tls_CAfile", "pipe", "named pipe")]
    [InlineData("postern_relay_tls_CAfile", "folder", "Is a directory")]
    public void A_file_that_the_start_needs_ends_it_and_is_named(string name, string trap, string reason)
    {
        Assert.Equal(Use.NeededByRoot, Paths[name]);
        var set = Set(trap, name, "btree");
        _host.Configure($"{name} = {set.Path}", "postern_handoff = relay:tcp:127.0.0.1:9", "postern_relay_tls = verify");
        var before = Describe(set);

        var (status, output) = PosternProcess.Run("serve", "-c", _host.ConfigDirectory);

        Assert.Equal(1, status);
        Assert.Contains(set.Path, output, StringComparison.Ordinal);
        Assert.Contains(reason, output, StringComparison.Ordinal);
        Assert.Equal(before, Describe(set));
    }

    [Fact]
    public void A_data_directory_that_leads_elsewhere_gets_nothing_of_root_s()
    {
        var (his, roots) = (Path.Combine(_host.DataDirectory, "link"), Directory.CreateDirectory(Path.Combine(_host.Directory, "roots")).FullName);
        Directory.CreateSymbolicLink(his, roots);
        Tool.Must("chown", "-h", MailHost.Owner, his);
        _host.Configure($"data_directory = {his}", "postern_event_log = $data_directory/events");

        _host.StartPostern();

        _host.WaitForLog($"{his}/events: Permission denied");
        using (var client = _host.Connect())
            Assert.StartsWith("220", client.ReadLine(), StringComparison.Ordinal);
        Assert.Equal(0, _host.Postern.Stop());
        Assert.Empty(Directory.GetFileSystemEntries(roots));
    }

    [Fact]
    public void Links_that_root_made_work_and_so_does_an_event_log_that_mail_owner_has_moved()
    {
        using var certificates = new Certificates();
        var links = Directory.CreateDirectory(Path.Combine(_host.Directory, "links")).FullName;
        File.WriteAllText(Path.Combine(links, "access-42"), "127.0.9.9 reject\n");
        foreach (var (name, target) in (string[][])[["live.pem", "archive.pem"], ["archive.pem", certificates.ChainFile], ["access", "access-42"], ["log", Path.Combine(_host.Directory, "log")]] is var all
            ? all.Select(static one => (one[0], one[1])) : [])
        {
            File.CreateSymbolicLink(Path.Combine(links, name), target);
        }

        var moved = Path.Combine(_host.DataDirectory, "moved");
        File.WriteAllText(moved, "");
        Tool.Must("chown", MailHost.Owner, moved);
        File.CreateSymbolicLink(Path.Combine(_host.DataDirectory, "events"), moved);
        Tool.Must("chown", "-h", MailHost.Owner, Path.Combine(_host.DataDirectory, "events"));
        _host.Configure(
            [.. certificates.Settings.Where(static line => !line.Contains("chain_files", StringComparison.Ordinal)), $"smtpd_tls_chain_files = {links}/live.pem", $"postscreen_access_list = cidr:{links}/access",
            "postscreen_denylist_action = drop", $"maillog_file = {links}/log/maillog", "postern_event_log = $data_directory/events"]);

        _host.StartPostern();

        using (var denied = _host.Connect("127.0.9.9"))
            Assert.StartsWith("521 ", denied.ReadReply());
        Wait.Until(() => File.ReadAllText(moved).Contains("127.0.9.9", StringComparison.Ordinal), () => $"no event: {_host.Log}");
        Assert.Equal(MailHost.Owner, Tool.Must("stat", "-c", "%U", moved).Trim());
        Assert.DoesNotContain("warning", _host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void What_root_asks_of_the_allowlist_s_file_is_done_as_mail_owner()
    {
        var records = _host.Write("records", $"192.0.2.1\t{DateTimeOffset.UtcNow.AddDays(9).ToUnixTimeSeconds()};1;1;1;1\n");
        Tool.Must("chmod", "600", records); // for root's eyes

        Assert.Equal((0, "1 records are added"), Verb("import", records));
        Assert.Contains("192.0.2.1  pregreet until", Verb("list").Output, StringComparison.Ordinal);
        Assert.Contains("pregreet until", PosternProcess.Run("explain", "192.0.2.1", "-c", _host.ConfigDirectory).Output, StringComparison.Ordinal);

        Assert.Equal(MailHost.Owner, string.Join('\n', Tool.Must("find", _host.DataDirectory, "-printf", "%u\n").Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct()));
        var stored = Path.Combine(_host.DataDirectory, "postscreen_cache.postern.db");
        File.Move(stored, Path.Combine(_host.Directory, "victim"));
        Tool.Must("chown", "root", Path.Combine(_host.Directory, "victim"));
        Tool.Must("chmod", "600", Path.Combine(_host.Directory, "victim"));
        File.CreateSymbolicLink(stored, Path.Combine(_host.Directory, "victim"));
        Assert.Equal(1, Verb("list").Status); // a file of root's, by a link of his
    }

    private (int Status, string Output) Verb(params string[] words)
    {
        var (status, output) = PosternProcess.Run(["allowlist", words[0], "-c", _host.ConfigDirectory, .. words[1..]]);
        return (status, output.Trim());
    }

    /// <summary>Puts something in the place of the file that a parameter names.</summary>
    private (string Path, string Victim) Set(string trap, string name, string cache)
    {
        var path = Path.Combine(_host.DataDirectory, name) + (name != "postscreen_cache_map" ? "" : cache == "lmdb" ? ".lmdb" : ".postern.db");
        var victim = Path.Combine(_host.Directory, "victim-of-" + name);
        File.WriteAllText(victim, Secret + "\n");
        Tool.Must("chmod", "600", victim);
        switch (trap)
        {
            case "link":
                File.CreateSymbolicLink(path, victim);
                break;
            case "second name":
                Tool.Must("ln", victim, path);
                return (path, victim);
            case "pipe":
                Tool.Must("mkfifo", path);
                break;
            case "foreign":
                File.WriteAllText(path, "of a stranger\n");
                Tool.Must("chmod", "600", path);
                break;
            default:
                Directory.CreateDirectory(path);
                break;
        }

        Tool.Must("chown", "-h", trap == "foreign" ? Stranger : MailHost.Owner, path);
        return (path, victim);
    }

    private string Value(string name, string cache)
    {
        var path = Path.Combine(_host.DataDirectory, name);
        return name switch
        {
            "mynetworks" => path,
            "postscreen_access_list" => $"permit_mynetworks, cidr:{path}",
            "postscreen_cache_map" => $"{cache}:{path}",
            _ => Regex.IsMatch(name, "_(maps?|filter)$") ? $"texthash:{path}" : path,
        };
    }

    // Kind, owner, mode, names, size and time of both; what the victim says.
    private static string Describe((string Path, string Victim) trap) =>
        Tool.Must("stat", "-c", "%F %u %a %h %s %Y", trap.Victim) + File.ReadAllText(trap.Victim)
        + (Directory.Exists(trap.Path) ? "folder" : Tool.Must("stat", "-c", "%F %u %a %h %s %Y", trap.Path));
}
