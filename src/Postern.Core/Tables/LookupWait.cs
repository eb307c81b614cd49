namespace Postern.Core.Tables;

/// <summary>What a look-up may have to wait for, so that it is a matter for another thread than the one that serves all clients.</summary>
public enum LookupWait
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The table's file, which is being read for the first time. Soon it is over, and for good.</summary>
    Reading,

    /// <summary>A server, another process's lock, or a match whose time has no limit.</summary>
    Answer,
}
