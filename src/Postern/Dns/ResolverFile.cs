using Postern.Core;

namespace Postern.Dns;

/// <summary>resolv.conf(5), read again when it has changed. A version that cannot be read leaves the one before in force.</summary>
internal sealed class ResolverFile
{
    /// <summary>A longer file is no resolv.conf.</summary>
    public const int MostBytes = 1 << 16;

    private readonly ITextFiles _files;
    private readonly string _path;
    private readonly Action<string>? _warn;
    private FileStamp? _stamp, _unreadable;

    /// <param name="files">Refuses files longer than <see cref="MostBytes"/>.</param>
    /// <param name="path">Usually <see cref="ResolverConfiguration.SystemPath"/>.</param>
    /// <param name="warn">Told what is wrong with it; null: nobody is.</param>
    public ResolverFile(ITextFiles files, string path, Action<string>? warn = null)
    {
        (_files, _path, _warn) = (files, path, warn);
        Configuration = ResolverConfiguration.Parse("");
        Refresh();
    }

    /// <summary>What it said when it was last read; the defaults before it could be read.</summary>
    public ResolverConfiguration Configuration { get; private set; }

    /// <summary>Looks for a new version: one system call when there is none.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Refresh()
    {
        if (_files.Stamp(_path) is not { } stamp || stamp == _stamp)
            return false;
        if (!_files.TryRead(_path, out var file, out var reason))
        {
            if (stamp != _unreadable && reason != ITextFiles.IsLocked)
                _warn?.Invoke($"open {_path}: {reason}: going on with {string.Join(", ", Configuration.Servers.Select(LookupProblem.NameOf))}");
            _unreadable = stamp;
            return false;
        }

        _stamp = file.Stamp;
        Configuration = ResolverConfiguration.Parse(file.Text, _path);
        foreach (var problem in Configuration.Problems)
            _warn?.Invoke(problem);
        return true;
    }
}
