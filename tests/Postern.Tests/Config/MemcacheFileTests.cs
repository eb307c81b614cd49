using Postern.Core.Config;
using Postern.Core.Versions;

namespace Postern.Tests.Config;

public sealed class MemcacheFileTests
{
    [Fact]
    public void An_empty_file_means_the_defaults()
    {
        var file = Parse("");

        Assert.Equal((null, new HostPort("localhost", "11211"), ""), (file.SocketPath, file.Server, file.Backup));
        Assert.Equal((0, 3600, 2, 1024, 10240), (file.Flags, file.Ttl, file.MaxTry, file.LineSizeLimit, file.DataSizeLimit));
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1)), (file.Timeout, file.RetryPause));
        Assert.Equal("192.0.2.7", file.KeyFor("192.0.2.7"));
    }

    [Theory]
    [InlineData("memcache = inet:[::1]:11", null, "::1", "11")]
    [InlineData("memcache = inet:mc.example:11", null, "mc.example", "11")]
    [InlineData("memcache = unix:/run/mc", "/run/mc", null, null)]
    public void Servers(string line, string? path, string? host, string? port)
    {
        var file = Parse(line + "\nunknown = word");

        Assert.Equal((path, host, port), (file.SocketPath, file.Server.Host, file.Server.Port));
    }

    // The texts are those of Postfix 3.7.11.
    [Theory]
    [InlineData("line_size_limit = x", "/f: bad numerical configuration: line_size_limit = x")]
    [InlineData("timeout = 1s", "/f: bad numerical configuration: timeout = 1s")]
    [InlineData("max_try = 0", "/f: invalid max_try parameter value 0 < 1")]
    [InlineData("memcache = 127.0.0.1:1", "invalid transport name: 127.0.0.1 in service: 127.0.0.1:1")]
    [InlineData("memcache = inet:127.0.0.1", "127.0.0.1: garbage after numerical service")]
    [InlineData("key_format = %q", "db_common_parse: /f: Invalid query template: %q")]
    [InlineData("memcache = inet:h:mc", "h:mc: the port is not a number")]
    [InlineData("nonsense", "/f, line 1: missing '=' after attribute name: \"nonsense\"")]
    public void What_is_wrong_is_said_in_Postfixs_words(string line, string expected)
    {
        Assert.False(MemcacheFile.TryParse(line, "/f", PostfixVersion.Base, new RecordedWarnings(), out _, out var problem));

        Assert.Equal(expected, problem);
    }

    [Theory]
    [InlineData("ps:%s", "192.0.2.7", "ps:192.0.2.7")]
    [InlineData("%u%%", "192.0.2.7", "192.0.2.7%")]
    [InlineData("%d", "192.0.2.7", null)]
    [InlineData("%u|%d|%2", "user@mail.example.com", "user|mail.example.com|example")]
    [InlineData("%4", "user@mail.example.com", null)]
    [InlineData("%s", "a b", null)]
    [InlineData("%s", "a\r\ndelete b", null)]
    public void Keys(string format, string key, string? expected) => Assert.Equal(expected, Parse($"key_format = {format}").KeyFor(key));

    [Fact]
    public void No_key_is_longer_than_memcached_allows()
    {
        Assert.NotNull(Parse("").KeyFor(new string('k', 250)));
        Assert.Null(Parse("").KeyFor(new string('k', 251)));
    }

    [Fact]
    public void With_a_domain_list_bare_keys_are_passed_over() => Assert.Null(Parse("domain = example.com").KeyFor("192.0.2.7"));

    private static MemcacheFile Parse(string text)
    {
        Assert.True(MemcacheFile.TryParse(text, "/f", PostfixVersion.Base, new RecordedWarnings(), out var file, out var problem), problem);
        return file;
    }
}
