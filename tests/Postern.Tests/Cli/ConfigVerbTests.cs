using Postern.Cli;
using Postern.Core.Config;
using Postern.Tests.Config;

namespace Postern.Tests.Cli;

public sealed class ConfigVerbTests
{
    private static readonly ConfigQuery Query = new("/etc/postfix", [], false, false, false, false, false, null, []);

    private readonly ConfigDirectory _directory = new(
        "compatibility_level = 3.6\npostscreen_greet_wait = ${stress?{1}:{4}}s\npostscreen_access_list = permit_mynetworks,\n   reject\nown_name = x\n",
        "smtp inet n - n - 1 postscreen -o postscreen_greet_action=drop\nsmtpd pass - - n - - smtpd\n",
        "postscreen_greet_wait = 5s\n");

    [Fact]
    public void Only_what_is_set_is_printed_in_alphabetical_order() =>
        Assert.Equal(
            "compatibility_level = 3.6\npostscreen_access_list = permit_mynetworks, reject\npostscreen_greet_wait = 5s\n",
            Run(Query with { OnlyChanged = true }).Output);

    [Fact]
    public void Each_origin_is_the_file_and_line_that_counts() =>
        Assert.Equal(
            "/etc/postfix/postern.cf:1: postscreen_greet_wait = 5s\n/etc/postfix/master.cf:1: postscreen_greet_action = drop\n"
            + "default: postscreen_greet_ttl = 1d\n-o: postscreen_cache_map =\n",
            Run(Query with
            {
                Names = ["postscreen_greet_wait", "postscreen_greet_action", "postscreen_greet_ttl", "postscreen_cache_map"],
                ShowOrigins = true,
                Service = "smtp",
                Overrides = ["postscreen_cache_map="],
            }).Output);

    [Fact]
    public void Defaults_do_not_ask_the_files_and_values_can_stand_alone() =>
        Assert.Equal("${stress?{2}:{6}}s\nmx.example.com\n", Run(Query with { Names = ["postscreen_greet_wait", "myhostname"], Defaults = true, HideNames = true }).Output);

    [Fact]
    public void Expansion_shows_what_is_in_force() =>
        Assert.Equal(
            "postscreen_cache_map = btree:/var/lib/postfix/postscreen_cache\nsmtpd_banner = mx.example.com ESMTP Postfix\n",
            Run(Query with { Names = ["postscreen_cache_map", "smtpd_banner"], Expand = true }).Output);

    [Fact]
    public void Names_that_only_Postfix_knows_are_expanded_as_postconf_does()
    {
        _directory.Add("/etc/postfix/postern.cf", "own_name = $local_recipient_maps $smtp_helo_name $no_such_name\nalias_maps = hash:/etc/aliases\n");

        Assert.Equal("own_name = proxy:unix:passwd.byname hash:/etc/aliases mx.example.com\n", Run(Query with { Names = ["own_name"], Expand = true }).Output);
        Assert.Equal(
            "proxy_write_maps = $smtp_sasl_auth_cache_name $lmtp_sasl_auth_cache_name $address_verify_map $postscreen_cache_map\n",
            Run(Query with { Names = ["proxy_write_maps"] }).Output);
        Assert.StartsWith(
            "proxy_read_maps = proxy:unix:passwd.byname hash:/etc/aliases, nis:mail.aliases mx.example.com, ",
            Run(Query with { Names = ["proxy_read_maps"], Expand = true, Defaults = true }).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_default_that_depends_on_other_parameters_is_the_built_in_one()
    {
        var (inForce, builtIn) = (Run(Query with { Names = ["mynetworks"] }).Output, Run(Query with { Names = ["mynetworks"], Defaults = true }).Output);

        Assert.Contains("192.0.2.5/32", inForce, StringComparison.Ordinal);
        Assert.Contains("192.0.2.0/24", builtIn, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_the_administrators_own_are_printed_and_unknown_ones_are_not()
    {
        var (status, output, errors) = Run(Query with { Names = ["own_name", "postscreen_gret_wait", "zzz"] });

        Assert.Equal(1, status);
        Assert.Equal("own_name = x\n", output);
        Assert.Equal("postern: warning: postscreen_gret_wait: unknown parameter; did you mean postscreen_greet_wait?\npostern: warning: zzz: unknown parameter\n", errors);
    }

    [Fact]
    public void What_cannot_be_read_is_an_error()
    {
        _directory.Remove("/etc/postfix/main.cf");

        Assert.Equal((1, "postern: error: /etc/postfix/main.cf: open /etc/postfix/main.cf: No such file or directory\n"), (Run(Query).Status, Run(Query).Errors));
        Assert.Equal(1, Run(Query with { OnlyChanged = true, Defaults = true }).Status);
        Assert.Contains("no service lmtp of type inet", Run(Query with { Service = "lmtp" }).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_depends_on_the_Postfix_says_so()
    {
        var found = new FoundPostfix("3.11.7", "/usr/sbin/postconf", new Dictionary<string, string> { ["default_cache_db_type"] = "lmdb" });

        var (_, output, _) = Run(
            Query with
            {
                Names = ["postern_postfix_version", "mail_version", "default_cache_db_type", "postscreen_cache_map", "postscreen_greet_ttl", "postscreen_access_list"],
                ShowOrigins = true,
            },
            _directory.Host with { FindPostfix = (_, _) => found });

        Assert.Equal(
            "default of /usr/sbin/postconf: postern_postfix_version = 3.11\ndefault of /usr/sbin/postconf: mail_version = 3.11.7\n"
            + "default of /usr/sbin/postconf: default_cache_db_type = lmdb\ndefault of Postfix 3.11: postscreen_cache_map = $default_cache_db_type:$data_directory/postscreen_cache\n"
            + "default: postscreen_greet_ttl = 1d\n/etc/postfix/main.cf:3 (access-table-names): postscreen_access_list = permit_mynetworks, reject\n",
            output);
    }

    private (int Status, string Output, string Errors) Run(ConfigQuery query, HostFacts? host = null)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var status = ConfigVerb.Run(query, _directory, host ?? _directory.Host, output, errors);
        return (status, output.ToString(), errors.ToString());
    }
}
