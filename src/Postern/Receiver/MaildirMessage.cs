namespace Postern.Receiver;

/// <summary>A message on its way into a Maildir; disposed before <see cref="Commit"/>, it leaves nothing behind.</summary>
internal sealed class MaildirMessage : IDisposable
{
    private readonly string _temporaryPath;
    private readonly string _finalPath;
    private readonly FileStream _file;
    private bool _isCommitted;

    /// <param name="temporaryPath">Must not exist yet.</param>
    /// <param name="finalPath">On the same file system.</param>
    public MaildirMessage(string temporaryPath, string finalPath)
    {
        (_temporaryPath, _finalPath) = (temporaryPath, finalPath);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (OperatingSystem.IsLinux())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(temporaryPath, options);
    }

    /// <summary>Bytes written so far.</summary>
    public long Size { get; private set; }

    /// <exception cref="IOException">Disk full …</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _file.Write(bytes);
        Size += bytes.Length;
    }

    /// <summary>Returns when the message is on disk under its final name.</summary>
    /// <exception cref="IOException">It is not, or nobody knows.</exception>
    public void Commit()
    {
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        File.Move(_temporaryPath, _finalPath, overwrite: false);
        _isCommitted = true;
        try
        {
            Maildir.Flush(Path.GetDirectoryName(_finalPath) ?? "/");
        }
        catch (IOException)
        {
            File.Delete(_finalPath); // the client will be told to try again: do not deliver twice
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _file.Dispose();
        if (!_isCommitted)
            File.Delete(_temporaryPath);
    }
}
