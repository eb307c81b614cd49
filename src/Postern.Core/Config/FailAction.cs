namespace Postern.Core.Config;

/// <summary>What to do with a client that fails a test (<c>postscreen_*_action</c>).</summary>
public enum FailAction
{
    /// <summary>Log it, let the client go on, repeat the test next time. Also spelt <c>continue</c>.</summary>
    Ignore,

    /// <summary>Let the other tests complete, reject every recipient with a 550, repeat the test next time.</summary>
    Enforce,

    /// <summary>Hang up with a 521 at once, repeat the test next time.</summary>
    Drop,
}
