using Postern.Cli;
using Postern.Core.Config;
using Postern.Tests.Config;

namespace Postern.Tests.Checks;

/// <summary>
/// Configurations that people have published, with the mistakes that they had: check names the file and line to change, in the
/// words that Postfix has for it at each client, and calls nothing fine.
/// </summary>
public sealed class ReportedConfigurationTests
{
    private const string Cut = " -- ignoring the remainder of this access list";

    // Host bits in mynetworks (docker-mailserver 1079, mailcow 967), and what else is no network.
    [Theory]
    [InlineData("127.0.0.1/8 172.19.0.0/16", "non-null host address bits in \"127.0.0.1/8\", perhaps you should use \"127.0.0.0/8\" instead")]
    [InlineData("127.0.0.0/8 [fd::]/8", "non-null host address bits in \"fd::/8\", perhaps you should use \"::/8\" instead")]
    [InlineData("127.0.7.0/33", "bad mask length in \"127.0.7.0/33\"")]
    [InlineData("10.0.0.0/255.0.0.0", "bad mask value in \"10.0.0.0/255.0.0.0\"")]
    [InlineData("127.0.0.0/8 10.0.0.1/8 172.16.0.1/12", "non-null host address bits in \"172.16.0.1/12\", perhaps you should use \"172.16.0.0/12\" instead")]
    public void Networks_that_switch_the_access_list_off(string networks, string problem)
    {
        var output = Check($"mynetworks = {networks}\n");

        Assert.Contains($"/etc/postfix/main.cf:2: error: postscreen_access_list: {problem}\n", output, StringComparison.Ordinal);
        Assert.Contains($"    at a client: postscreen_access_list: permit_mynetworks: mynetworks lookup error{Cut}\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("fine", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("permit_mynetworks, permit_sasl_authenticated, cidr:/acl", "permit_sasl_authenticated", "is a restriction of smtpd")]
    [InlineData("permit_mynetworks, reject_unknown_client_hostname", "reject_unknown_client_hostname", "is a restriction of smtpd")]
    [InlineData("permit_mynetworks /acl", "/acl", "write cidr:/acl")]
    [InlineData("permit_mynetworks, 192.0.2.7", "192.0.2.7", "write a line \"192.0.2.7 permit\" into a cidr: table")]
    [InlineData("permit_mynetwork", "permit_mynetwork", "is a restriction of smtpd")]
    public void Words_that_do_not_belong_there(string list, string word, string remedy)
    {
        var output = Check($"postscreen_access_list = {list}\n", ("/acl", "192.0.2.1 permit\n"));

        Assert.Contains($"/etc/postfix/main.cf:2: error: postscreen_access_list: unknown command: {word}{Cut}\n", output, StringComparison.Ordinal);
        Assert.Contains(remedy, output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_hides_no_other_mistake()
    {
        var output = Check("postscreen_greet_wait = soon\npostscreen_access_list = permit_mynetworks, 192.0.2.7, cidr:/acl\n", ("/acl", "198.51.100.7 OK\n"));

        Assert.Contains("/etc/postfix/main.cf:2: error: ", output, StringComparison.Ordinal);
        Assert.Contains($"/etc/postfix/main.cf:3: error: postscreen_access_list: unknown command: 192.0.2.7{Cut}\n", output, StringComparison.Ordinal);
        Assert.Contains($"/acl:1: error: cidr:/acl: unknown command: OK{Cut}\n", output, StringComparison.Ordinal);
    }

    // A back reference whose search never ended (glibc has no limit), in a table for what clients say.
    [Theory]
    [InlineData("postscreen_command_filter = regexp:/t\n", "postscreen_command_filter")]
    [InlineData("postscreen_access_list = regexp:/t\n", "postscreen_access_list")]
    [InlineData("postscreen_reject_footer_maps = regexp:/t\n", "postscreen_reject_footer_maps")]
    public void Back_references(string parameter, string name)
    {
        var output = Check(parameter, ("/t", "/x/ dunno\n/(y)\\1/ dunno\n"));

        Assert.Contains($"/t:2: warning: {name}: an expression with a back reference may take very long on some texts: /(y)\\1/ dunno\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("/t:1:", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cidr", "/acl", "# text\n192.0.2.0/24 permit\n198.51.100.7 OK\n", 3, "OK")]
    [InlineData("cidr", "/acl", "198.51.100.7 permitt\n", 1, "permitt")]
    [InlineData("cidr", "/acl", "0.0.0.0/0 reject\n198.51.100.7 allow\n", 2, "allow")] // never reached, and a mistake
    [InlineData("texthash", "/acl", "192.0.2.7 permit\n198.51.100.7 whitelist\n", 2, "whitelist")]
    [InlineData("cidr", "/acl", "198.51.100.7 permit_mynetworks, 550 go away\n", 1, "550")]
    [InlineData("inline", "{198.51.100.7=OK}", null, 2, "OK")]
    [InlineData("static", "OK", null, 2, "OK")]
    public void Actions_of_tables(string type, string name, string? text, int line, string word)
    {
        var output = Check($"postscreen_access_list = {type}:{name}\n", text is null ? [] : [(name, text)]);

        var place = text is null ? "/etc/postfix/main.cf" : name;
        Assert.Contains($"{place}:{line}: error: {type}:{name}: unknown command: {word}{Cut}\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_lines_with_one_mistake_are_counted_after_the_first_ones()
    {
        var output = Check("postscreen_access_list = cidr:/acl\n", ("/acl", string.Concat(Enumerable.Range(1, 100).Select(static number => $"192.0.2.{number} OK\n"))));

        Assert.Equal(20, output.Split('\n').Count(static line => line.StartsWith("/acl:", StringComparison.Ordinal)));
        Assert.Contains("; 80 more lines have the same mistake\n", output, StringComparison.Ordinal);
    }

    // postfix-users 46656: a family is no interface.
    [Theory]
    [InlineData("postscreen_whitelist_interfaces = !IPv4, static:all", "postscreen_allowlist_interfaces: \"ipv4\" matches no address")]
    [InlineData("postscreen_allowlist_interfaces = !eth0, static:all", "postscreen_allowlist_interfaces: \"eth0\" matches no address")]
    [InlineData("mynetworks = 127.0.0.1, localhost", "mynetworks: \"localhost\" matches no address")]
    [InlineData("mynetworks = 127.0.0.01", "mynetworks: \"127.0.0.01\" matches no address")]
    public void Words_that_match_nothing(string line, string problem)
    {
        var output = Check(line + "\n");

        Assert.Contains($"/etc/postfix/main.cf:2: warning: {problem}\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("fine", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_is_said_of_each_file()
    {
        const string Mark = "\xef\xbb\xbf";
        var directory = new ConfigDirectory(Mark + "postscreen_greet_action = enforce\ncompatibility_level = 3.6\npostscreen_access_list = texthash:/acl\n", Mark + ConfigDirectory.Master + "2525 inet n - n - 1 postscreen\n")
            .Add("/acl", Mark + "192.0.2.7 permit\n");

        var output = Check(directory);

        Assert.Contains("/etc/postfix/main.cf:1: error: /etc/postfix/main.cf, line 1: the file begins with a byte order mark", output, StringComparison.Ordinal);
        Assert.Contains("/etc/postfix/master.cf:1: error: /etc/postfix/master.cf, line 1: the file begins with a byte order mark", output, StringComparison.Ordinal);
        Assert.Contains("/acl:1: error: /acl, line 1: the file begins with a byte order mark", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_a_table_skips_comes_with_the_tables_file_first()
    {
        var output = Check("postscreen_access_list = cidr:/acl\n", ("/acl", "192.0.2.0/24 permit\n2.3.4.5/16 reject\n"));

        Assert.StartsWith("/acl:2: error: cidr map /acl, line 2: non-null host address bits", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smtp inet n - y - - smtpd", 1, "this line runs smtpd on that port: write \"smtp inet n - y - 1 postscreen\" in its place, and a line: smtpd pass - - n - - smtpd")]
    [InlineData("25 inet n - - - - smtpd\nsmtpd pass - - n - - smtpd", 1, "this line runs smtpd on that port: write \"25 inet n - - - 1 postscreen\" in its place")]
    [InlineData("smtp\tinet\tn\t-\tn\t-\t1\tpostscrean", 1, "write postscreen for postscrean")]
    [InlineData("smtp inet n - n - 1 potsern", 1, "write postern for potsern")]
    [InlineData("smtp      inet  n       -       y       -       -       smtpd\n#smtp      inet  n       -       y       -       1       postscreen\nsmtpd pass - - y - - smtpd", 2, "take the # away, and put one before line 1, which runs smtpd on that port")]
    [InlineData("pickup unix n - n 60 1 pickup", 0, "add a line such as: smtp inet n - n - 1 postscreen")]
    public void A_master_cf_that_nearly_screens_is_told_what_is_missing(string master, int line, string remedy)
    {
        var problem = Assert.Single(new ConfigDirectory("compatibility_level = 3.6\n", master + "\n").Load().Problems);

        Assert.Equal(("no service of type inet has the command postscreen", line, remedy), (problem.Text, problem.Line, problem.Remedy));
    }

    [Fact]
    public void The_directory_is_a_file_or_somebody_elses()
    {
        var host = new ConfigDirectory("").Host;
        var ofFile = Configuration.Load("/etc/postfix/main.cf", new Unreadable("Not a directory"), host).Problems;
        var ofOthers = Configuration.Load("/etc/postfix", new Unreadable("Permission denied"), host).Problems;

        var problem = Assert.Single(ofFile);
        Assert.Equal(("/etc/postfix/main.cf", "this is a file, not the directory of a configuration", "name the directory with -c, as in -c /etc/postfix"), (problem.File, problem.Text, problem.Remedy));
        Assert.All(ofOthers, static one => Assert.Equal("run as root, or as a user who may read it", one.Remedy));
    }

    [Fact]
    public void Tables_that_cannot_be_asked_come_with_what_helps()
    {
        var output = Check("queue_directory = /nonexistent\npostscreen_access_list = mysql:/acl.cf, hash:/acl\npostscreen_command_filter = texthash:/none\n");

        Assert.Contains("start Postfix on this machine, whose proxymap service has to be in its master.cf; until then each look-up in it fails\n", output, StringComparison.Ordinal);
        Assert.Contains($"    at a client: postscreen_access_list: mysql:/acl.cf: table lookup error{Cut}\n", output, StringComparison.Ordinal);
        Assert.Contains("make it with: postmap hash:/acl; until then", output, StringComparison.Ordinal);
        Assert.Contains("    at a client: texthash:/none is unavailable. open database /none: No such file or directory\n    at a client: texthash:/none lookup error for \"EHLO client.example\"\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Footers_are_tried()
    {
        var output = Check("postscreen_reject_footer = call $phone\npostscreen_reject_footer_maps = texthash:/footers\n", ("/footers", "550 ask $client_address\n554 write ${postmaster}\n"));

        Assert.Contains("/etc/postfix/main.cf:2: error: unknown macro name \"phone\" in expansion request\n", output, StringComparison.Ordinal);
        Assert.Contains("/footers:2: error: unknown macro name \"postmaster\" in expansion request\n", output, StringComparison.Ordinal);
    }

    private static string Check(string main, params (string Path, string Text)[] files)
    {
        var directory = new ConfigDirectory("compatibility_level = 3.6\n" + main);
        foreach (var (path, text) in files)
            directory.Add(path, text);
        return Check(directory);
    }

    private static string Check(ConfigDirectory directory)
    {
        using var output = new StringWriter { NewLine = "\n" };
        CheckVerb.Run("/etc/postfix", directory, directory.Host, static _ => [], output);
        return output.ToString();
    }

    private sealed class Unreadable(string why) : Core.ITextFiles
    {
        public bool TryRead(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Core.TextFile? file, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? reason)
        {
            (file, reason) = (null, why);
            return false;
        }

        public Core.FileStamp? Stamp(string path) => null;
    }
}
