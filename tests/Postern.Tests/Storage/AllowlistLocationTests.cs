using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Versions;
using Postern.Storage;

namespace Postern.Tests.Storage;

public sealed class AllowlistLocationTests
{
    private readonly List<string> _log = [];

    [Theory]
    [InlineData("btree:/var/lib/postfix/ps", "btree:/var/lib/postfix/ps")]
    [InlineData("hash:/var/lib/postfix/ps", "hash:/var/lib/postfix/ps")]
    [InlineData("sqlite:/var/lib/postfix/ps", "sqlite:/var/lib/postfix/ps")]
    [InlineData("/var/lib/postfix/ps", "hash:/var/lib/postfix/ps")]
    [InlineData("proxy:btree:/var/lib/postfix/ps", "proxy:btree:/var/lib/postfix/ps")]
    public void A_map_with_a_file_has_ours_beside_it(string map, string name)
    {
        var location = Find(map);

        Assert.Equal(name, location.Name);
        Assert.Equal("/var/lib/postfix/ps.postern.db", location.DatabasePath);
        Assert.Equal(["/var/lib/postfix/ps.db", "/var/lib/postfix/ps.lmdb"], location.Earlier.Select(static file => file.Path));
        Assert.Empty(_log);
    }

    [Theory]
    [InlineData("lmdb:/var/lib/postfix/ps")]
    [InlineData("proxy:lmdb:/var/lib/postfix/ps")]
    public void A_map_of_type_lmdb_is_Postfixs_own_file(string map)
    {
        var location = Find(map);

        Assert.Equal(map, location.Name);
        Assert.Equal("/var/lib/postfix/ps.lmdb", location.DatabasePath);
        Assert.True(location.IsLmdb);
        Assert.Equal(["/var/lib/postfix/ps.db", "/var/lib/postfix/ps.postern.db", "/var/lib/postfix/ps.postern.sqlite"], location.Earlier.Select(static file => file.Path));
    }

    [Theory]
    [InlineData("", null, false)]
    [InlineData("backup = btree:/var/lib/postfix/ps", "/var/lib/postfix/ps.postern.db", false)]
    [InlineData("backup = proxy:lmdb:/var/lib/postfix/ps", "/var/lib/postfix/ps.lmdb", true)]
    public void What_memcached_forgets_is_in_the_backup(string line, string? path, bool isLmdb)
    {
        Assert.True(MemcacheFile.TryParse(line, "/etc/x", PostfixVersion.Base, new RecordedWarnings(), out var file, out _));

        var location = Find("memcache:/etc/x", memcache: file);

        Assert.Equal("memcache:/etc/x", location.Name);
        Assert.Equal(path, location.DatabasePath);
        Assert.Equal(isLmdb, location.IsLmdb);
        Assert.Empty(_log);
    }

    [Theory]
    [InlineData("foo:bar")]
    [InlineData("cidr:/etc/x")]
    public void A_map_without_a_file_lives_in_memory_and_says_so(string map)
    {
        var location = Find(map);

        Assert.Null(location.DatabasePath);
        Assert.Equal(map, location.Name);
        Assert.Equal([$"Warning: {map}: passes are kept in memory only and are lost at the next start"], _log);
    }

    [Theory]
    [InlineData("btree:/tmp/ps", "btree:/tmp/ps", "/tmp", "btree:/data/ps")]
    [InlineData("/tmp/x/ps", "/tmp/x/ps", "/tmp/x", "hash:/data/ps")]
    [InlineData("btree:ps", "btree:ps", ".", "btree:/data/ps")]
    [InlineData("btree:/ps", "btree:/ps", "/", "btree:/data/ps")]
    public void A_directory_that_is_not_the_mail_owners_is_left_for_the_data_directory(string map, string shown, string directory, string name)
    {
        var location = Find(map, owner: 0);

        Assert.Equal(name, location.Name);
        Assert.Equal("/data/ps.postern.db", location.DatabasePath);
        Assert.Equal(
            [$"Warning: request to update table {shown} in non-mailer directory {directory}",
                "Warning: redirecting the request to mailer-owned data_directory /data"],
            _log);
    }

    [Fact]
    public void A_directory_that_is_not_there_is_nobodys()
    {
        Assert.Equal("btree:/nowhere/ps", Find("btree:/nowhere/ps", owner: null).Name);
        Assert.Empty(_log);
    }

    [Fact]
    public void A_path_in_UTF_8_names_the_file_of_these_bytes()
    {
        Assert.Equal("/d/Ä.postern.db", Find("btree:/d/\u00c3\u0084").DatabasePath);
    }

    [Fact]
    public void The_owner_of_a_directory_is_known()
    {
        Assert.Equal(0u, FileFacts.Of("/")?.Owner);
        Assert.Null(FileFacts.Of("/no/such/directory"));
        Assert.NotEqual(FileFacts.Of("/")?.Inode, FileFacts.Of("/etc")?.Inode);
    }

    private AllowlistLocation Find(string map, uint? owner = 89, MemcacheFile? memcache = null) => AllowlistLocation.Find(
        new AllowlistOptions
        {
            MapName = map,
            Memcache = memcache,
            Policy = new AllowlistPolicy(default(EnabledTests), default, TimeSpan.Zero, TimeSpan.Zero),
            MailOwner = "mailer",
            MailOwnerId = 89,
            DataDirectory = "/data",
        },
        _ => owner,
        (severity, text) => _log.Add($"{severity}: {text}"));
}
