namespace Postern.Interop.Tests;

/// <summary>Real resolvers before a real list server, and their protection against DNS rebinding, which hides every listing.</summary>
[Collection(nameof(InteropCollection))]
public sealed class RebindTests
{
    private const string ListServer = "127.0.61.1";
    private const string Zone = "$SOA 600 ns.lab admin.lab 1 600 300 86400 120\n127.0.5.1 :127.0.0.2:x\n127.0.0.2 :127.0.0.2:the test entry\n";

    [Theory]
    [InlineData(ResolverKind.Unbound, "with no address", "private-domain: \"bl.lab\"")]
    [InlineData(ResolverKind.Dnsmasq, "with no address", "rebind-domain-ok=/bl.lab/")]
    [InlineData(ResolverKind.Knot, "with an error: it seems to protect against DNS rebinding, and says so (blocked by DNS rebinding protection)", "leave out modules.load('rebinding < iterate')")]
    [InlineData(ResolverKind.Bind, "with an error", "deny-answer-addresses { ... } except-from { \"bl.lab\"; }")]
    public void A_resolver_that_hides_listings_is_named_when_it_begins_to_and_when_it_ends(ResolverKind kind, string sign, string remedy)
    {
        using var resolver = new RecursiveServer(kind, ListServer);
        using var list = Rbldnsd.Start(ListServer, "bl.lab:ip4set", Zone);
        resolver.Start(protects: false);
        var http = MailHost.FreePort();
        using var host = MailHost.Alone(
            resolver.ResolvConf, "postscreen_dnsbl_sites = bl.lab", "postscreen_dnsbl_action = enforce", "postscreen_cache_map =", "postern_dnsbl_check_interval = 1s", $"postern_http = 127.0.0.1:{http}");
        var name = $"127.0.0.1:{resolver.Endpoint.Port}";
        Assert.Equal("550 5.7.1 Service unavailable; client [127.0.5.1] blocked using bl.lab", AnswerToListed(host));
        Assert.Matches(@"DNS list bl\.lab: healthy: it lists 127\.0\.0\.2, its test entry \(127\.0\.0\.2\), and not 127\.0\.0\.1; .* answers\n", Lists(host, resolver));

        resolver.Start(protects: true);
        host.WaitForLog("protect against DNS rebinding");

        Assert.Matches(
            $@"postfix/postern\[\d+\]: warning: DNS list bl\.lab: {name} answers 127\.0\.0\.1 as not listed, and its test entry 127\.0\.0\.2 {System.Text.RegularExpressions.Regex.Escape(sign)}", host.Log);
        Assert.Contains(remedy, host.Log, StringComparison.Ordinal);
        Assert.Contains($"postern_dnsbl_list_problem{{list=\"bl.lab\",problem=\"rebind_protection\",resolver=\"{name}\"}} 1\n", Metrics(http), StringComparison.Ordinal);
        var said = Lists(host, resolver);
        Assert.Contains($"DNS list bl.lab: {name} answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with ", said, StringComparison.Ordinal);
        Assert.Contains(remedy, said, StringComparison.Ordinal);
        Assert.Contains(remedy, Verb(resolver, "check", "-c", host.ConfigDirectory), StringComparison.Ordinal);
        Assert.Contains(remedy, Verb(resolver, "explain", "-c", host.ConfigDirectory, "127.0.5.1"), StringComparison.Ordinal);

        resolver.Start(protects: false);
        host.WaitForLog("]: DNS list bl.lab has its listings let through again\n");

        Assert.Contains("postern_dnsbl_list_well{list=\"bl.lab\"} 1\n", Metrics(http), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1", AnswerToListed(host));
    }

    [Theory]
    [InlineData(ResolverKind.Unbound)]
    [InlineData(ResolverKind.Dnsmasq)]
    [InlineData(ResolverKind.Knot)]
    [InlineData(ResolverKind.Bind)]
    public void A_daemon_that_starts_behind_one_says_so_within_two_checks(ResolverKind kind)
    {
        using var resolver = new RecursiveServer(kind, ListServer);
        using var list = Rbldnsd.Start(ListServer, "bl.lab:ip4set", Zone);
        resolver.Start(protects: true);

        using var host = MailHost.Alone(resolver.ResolvConf, "postscreen_dnsbl_sites = bl.lab", "postscreen_dnsbl_action = enforce");

        host.WaitForLog("protect against DNS rebinding"); // the second check comes ten seconds after the first
    }

    private static string AnswerToListed(MailHost host)
    {
        using var client = host.Connect("127.0.5.1");
        client.ExpectGreeting();
        client.Say("HELO spam.example", "250");
        client.Say("MAIL FROM:<a@spam.example>", "250 2.1.0 Ok");
        client.Send("RCPT TO:<b@lab.example>\r\n");
        var answer = client.ReadLine()!;
        client.Say("QUIT", "221");
        return answer;
    }

    private static string Lists(MailHost host, RecursiveServer resolver) => Verb(resolver, "check", "--lists", "-c", host.ConfigDirectory);

    private static string Verb(RecursiveServer resolver, params string[] words)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, resolver.ResolvConf);
        var command = Tool.WithResolvConf(file, [.. PosternProcess.Command, .. words]);
        var (_, output) = Tool.Run(command[0], command.Skip(1));
        File.Delete(file);
        return output;
    }

    private static string Metrics(int port)
    {
        using var web = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        return web.GetStringAsync($"http://127.0.0.1:{port}/metrics").GetAwaiter().GetResult();
    }
}
