using SQLitePCL;

namespace Postern.Storage;

/// <summary>Why SQLite did not do what it was asked.</summary>
/// <param name="Code">Its primary result code.</param>
/// <param name="Reason">Its words.</param>
internal sealed record DatabaseProblem(int Code, string Reason)
{
    /// <summary>The file is not what it should be, and no waiting will mend it.</summary>
    public bool IsDamage => Code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>The connection is as good as before: someone holds a lock, or the disk is full.</summary>
    public bool IsPassing => Code is raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL;
}
