using Postern.Core.Config;
using Postern.Core.Versions;

namespace Postern.Tests.Config;

public sealed class PostfixReleaseTests
{
    private static readonly FoundPostfix Debian311 = new(
        "3.11.7", "/usr/sbin/postconf", new Dictionary<string, string> { ["default_database_type"] = "cdb", ["default_cache_db_type"] = "lmdb", ["daemon_directory"] = "/usr/libexec/postfix" });

    [Fact]
    public void Without_a_Postfix_it_is_3_7()
    {
        var configuration = Load("");

        Assert.Equal(("3.7", "3.7.11", "no Postfix found"), Facts(configuration));
        Assert.Equal("btree:/var/lib/postfix/postscreen_cache", configuration.Services[0].Settings.CacheMap);
    }

    [Fact]
    public void The_machines_own_says_which_it_is_and_how_it_was_built()
    {
        var configuration = Load("smtpd_banner = $mail_name $mail_version\n", Debian311);

        Assert.Equal(("3.11.7", "3.11.7", "/usr/sbin/postconf"), Facts(configuration));
        Assert.Equal("lmdb:/var/lib/postfix/postscreen_cache", configuration.Services[0].Settings.CacheMap);
        Assert.Equal("Postfix 3.11.7", configuration.Services[0].Settings.Banner);
        Assert.Equal(("cdb", "lmdb"), (configuration.Process!.DefaultDatabaseType, configuration.Process.DefaultCacheType));
        Assert.Equal(new PostfixVersion(3, 11, 7), configuration.Services[0].Settings.Postfix);
        Assert.Equal(new PostfixVersion(3, 11, 7), configuration.Tables.Postfix);
    }

    [Fact]
    public void What_the_files_say_counts_before_it()
    {
        Assert.Equal(("3.10", "3.10", "/etc/postfix/postern.cf:1"), Facts(Load("", Debian311, "postern_postfix_version = 3.10\n")));
        Assert.Equal(("3.11.7", "3.11.7", "/etc/postfix/main.cf:2"), Facts(Load("postern_postfix_version = 3.11\n", Debian311)));
        Assert.Equal("hash", Load("", Debian311, "postern_postfix_version = 3.10\n").Process!.DefaultDatabaseType);
        Assert.Equal("cdb", Load("postern_postfix_version = 3.11\n", Debian311).Process!.DefaultDatabaseType);
        Assert.Equal("x", Load("mail_version = x\nsmtpd_banner = $mail_version\n", Debian311).Services[0].Settings.Banner);
    }

    [Fact]
    public void Postconf_is_looked_for_where_main_cf_says()
    {
        (string?, string) asked = default;
        var directory = new ConfigDirectory("command_directory = /opt/$mail_name/bin\nmail_name = pf\ndaemon_directory = /opt/pf/libexec\n");
        var host = directory.Host with { FindPostfix = (commands, daemons) => { asked = (commands, daemons); return null; } };

        Configuration.Load("/etc/postfix", directory, host);

        Assert.Equal(("/opt/pf/bin", "/opt/pf/libexec"), asked);
    }

    [Theory]
    [InlineData("newest")]
    [InlineData("3")]
    [InlineData("3.x")]
    public void What_is_no_version_is_an_error(string text)
    {
        var problem = Assert.Single(Load($"postern_postfix_version = {text}\n").Problems);

        Assert.Equal((ProblemSeverity.Error, $"bad postern_postfix_version value: {text}", 2), (problem.Severity, problem.Text, problem.Line));
    }

    [Fact]
    public void A_newer_one_than_we_know_is_taken_for_the_newest_that_we_know_and_that_is_said()
    {
        var configuration = Load("", new FoundPostfix("4.2.1", "/usr/sbin/postconf", new Dictionary<string, string>()));

        Assert.StartsWith("/usr/sbin/postconf is of Postfix 4.2.1, which this Postern does not know", Assert.Single(configuration.Problems).Text, StringComparison.Ordinal);
        Assert.False(configuration.HasErrors);
        Assert.True(configuration.Tables.Postfix.Has(PostfixDifferences.NoTlsWithoutCertificate));
    }

    [Theory]
    [InlineData("3.10", "", "btree:/d/c", "btree:/d/c")]
    [InlineData("3.11", "", "btree:/d/c", "btree:/d/c")]
    [InlineData("3.11", "non_bdb_migration_level = enable-redirect\n", "btree:/d/c", "lmdb:/d/c")]
    [InlineData("3.10", "non_bdb_migration_level = enable-redirect\n", "btree:/d/c", "btree:/d/c")]
    [InlineData("3.11", "non_bdb_migration_level = enable-redirect\n", "proxy:btree:/d/c", "proxy:lmdb:/d/c")]
    [InlineData("3.11", "non_bdb_migration_level = enable-reindex\n", "btree:/d/c", "lmdb:/d/c")]
    [InlineData("3.11", "non_bdb_migration_level = enable-redirect\nnon_bdb_custom_mapping = inline:{btree=sqlite}\n", "btree:/d/c", "sqlite:/d/c")]
    [InlineData("3.11", "default_database_type = cdb\n", "/d/c", "cdb:/d/c")]
    [InlineData("3.7", "", "$default_cache_db_type:/d/c", "btree:/d/c")]
    public void Where_passes_are_kept(string version, string lines, string map, string store)
    {
        var configuration = Load($"postern_postfix_version = {version}\ndefault_cache_db_type = {(map.StartsWith('$') ? "btree" : "lmdb")}\npostscreen_cache_map = {map}\n{lines}");

        Assert.False(configuration.HasErrors);
        Assert.Equal(store, configuration.Services[0].Settings.CacheStore);
    }

    [Fact]
    public void A_level_that_does_not_exist_is_an_error_where_the_parameter_does()
    {
        Assert.Equal(
            "invalid non-Berkeley-DB migration level: 'sometimes'",
            Assert.Single(Load("postern_postfix_version = 3.11\nnon_bdb_migration_level = sometimes\n").Problems).Text);
        Assert.Empty(Load("postern_postfix_version = 3.10\nnon_bdb_migration_level = sometimes\n").Problems);
    }

    [Theory]
    [InlineData("3.10", "${own}", "${own}")]
    [InlineData("3.11", "${own}", "its text")]
    [InlineData("3.10", "$own", "its text")]
    [InlineData("3.11", "$own", "its text")]
    [InlineData("3.11", "$(own)", "$(own)")]
    [InlineData("3.11", "${own} more", "${own} more")]
    [InlineData("3.11", "${nobody}", "${nobody}")]
    public void A_footer_that_is_another_parameters(string version, string text, string expected) =>
        Assert.Equal(expected, Load($"postern_postfix_version = {version}\nown = its text\npostscreen_reject_footer = {text}\n").Services[0].Settings.RejectFooter);

    [Theory]
    [InlineData("3.11", TlsLevel.May, "No server certs available. TLS can't be enabled")]
    [InlineData("3.12", TlsLevel.None, "No server certs available. TLS won't be enabled")]
    public void Tls_without_a_certificate(string version, TlsLevel level, string words)
    {
        var configuration = Load($"postern_postfix_version = {version}\nsmtpd_tls_security_level = may\n");

        Assert.Equal(words, Assert.Single(configuration.Problems).Text);
        Assert.Equal(level, configuration.Services[0].Settings.TlsLevel);
    }

    [Fact]
    public void A_level_of_TLS_that_is_empty_ends_3_12()
    {
        Assert.False(Load("postern_postfix_version = 3.11\npostscreen_tls_security_level =\n").HasErrors);
        Assert.Equal("Invalid TLS level \"\"", Assert.Single(Load("postern_postfix_version = 3.12\npostscreen_tls_security_level =\n").Problems).Text);
        Assert.Empty(Load("postern_postfix_version = 3.12\nsmtpd_tls_security_level =\n").Problems);
    }

    [Fact]
    public void Functions_are_there_since_3_11()
    {
        const string Banner = "smtpd_banner = ${domain_to_ascii{x.example}}\n";

        Assert.True(Load("postern_postfix_version = 3.10\n" + Banner).HasErrors);
        Assert.Equal("x.example", Load("postern_postfix_version = 3.11\n" + Banner).Services[0].Settings.Banner);
    }

    private static (string, string, string) Facts(Configuration configuration) =>
        (configuration.Postfix!.Version.ToString(), configuration.Postfix.MailVersion, configuration.Postfix.SaidBy);

    private static Configuration Load(string main, FoundPostfix? found = null, string? own = null)
    {
        var directory = new ConfigDirectory("compatibility_level = 3.6\n" + main, own: own);
        return Configuration.Load("/etc/postfix", directory, directory.Host with { FindPostfix = (_, _) => found });
    }
}
