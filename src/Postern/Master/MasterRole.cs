namespace Postern.Master;

/// <summary>What it means for the daemon to be a child of Postfix's master(8).</summary>
/// <param name="Invocation">What the master said.</param>
/// <param name="Link">The connection with it.</param>
internal sealed record MasterRole(MasterInvocation Invocation, MasterLink Link);
