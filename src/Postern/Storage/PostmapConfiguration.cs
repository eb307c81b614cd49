namespace Postern.Storage;

/// <summary>
/// The directory of the main.cf that postmap(1) is to read: the administrator's, or, where that redirects tables of Berkeley
/// DB to others (<c>non_bdb_migration_level</c>), one that does not, so that the old file itself is read.
/// </summary>
internal sealed class PostmapConfiguration : IDisposable
{
    private readonly DirectoryInfo? _temporary;

    private PostmapConfiguration(string? path, DirectoryInfo? temporary) => (Path, _temporary) = (path, temporary);

    /// <summary>For <c>-c</c>; null: postmap's own default.</summary>
    public string? Path { get; }

    /// <exception cref="IOException">There is no room for a file.</exception>
    /// <exception cref="UnauthorizedAccessException">Or we may not make one.</exception>
    public static PostmapConfiguration For(AllowlistOptions options)
    {
        if (!options.IsRedirected)
            return new PostmapConfiguration(options.ConfigDirectory, temporary: null);
        var directory = Directory.CreateTempSubdirectory("postern-postmap-");
        File.WriteAllText(directory.FullName + "/main.cf", "compatibility_level = 3.6\nnon_bdb_migration_level = disable\n");
        return new PostmapConfiguration(directory.FullName, directory);
    }

    public void Dispose() => _temporary?.Delete(recursive: true);
}
