using Postern.Storage;

namespace Postern.Tests.Storage;

/// <summary>What can be told of a damaged allowlist without opening it.</summary>
public sealed class AllowlistDamageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postern-damage-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_whole_file_is_none_and_half_of_it_is()
    {
        var path = Path.Combine(_folder.FullName, "db");
        Assert.Null(AllowlistDatabase.Open(path, cacheSize: 1 << 18, TimeSpan.FromSeconds(5), out var database));
        database!.Dispose();
        var file = File.ReadAllBytes(path);
        var header = file.AsSpan(0, SqliteHeader.Length);

        Assert.Null(SqliteHeader.FindDamage(header, file.Length));
        Assert.Equal("database disk image is malformed", SqliteHeader.FindDamage(header, file.Length / 2));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("SQLite format 3\0", "file is not a database")]
    [InlineData("text", "file is not a database")]
    public void A_file_of_another_kind_is_none(string text, string? damage) =>
        Assert.Equal(damage, SqliteHeader.FindDamage(System.Text.Encoding.ASCII.GetBytes(text), text.Length));
}
